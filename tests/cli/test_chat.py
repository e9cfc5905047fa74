"""``penjing chat`` through the real command line."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from penjing.cli.chat import Session
from penjing.errors import PenjingError, UsageError
from penjing.inference.dialogue import Replier, load_replier
from penjing.inference.sampling import SamplingSettings
from penjing.models.llama import LLAMA
from penjing.pipeline.model_folder import write_network
from penjing.text.chat_template import DEFAULT_TEMPLATE, MARKS, write_chat_template
from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model ``talker``, whose weights are random, and ``plain``, which has no chat template."""
    place = tmp_path_factory.mktemp("chat")
    settings = TokenizerSettings(kind="bpe", vocab_size=320, reserved=4)
    tokenizer = train_tokenizer([["a lovely film"] * 3], settings).name_reserved(MARKS)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = LLAMA.config_from_dict({**shape, "vocab_size": tokenizer.vocab_size, "max_position_embeddings": 128})
    network = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    for name in ("talker", "plain"):
        write_network(place / name, network, LLAMA, config, tokenizer, head="language")
    write_chat_template(place / "talker", DEFAULT_TEMPLATE)
    return place


SETTINGS = SamplingSettings(8, temperature=1.0)


@pytest.fixture(scope="module")
def talker(folder: Path) -> Replier:
    return load_replier(folder / "talker", "cpu")


def test_a_dialogue_is_held_saved_and_taken_back(
    talker: Replier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session, file = Session(talker, SETTINGS, []), tmp_path / "said.jsonl"
    for line in ("a film", "lovely", "/system Be brief.", f"/save {file}"):
        assert session.take(line)
    messages = json.loads(file.read_text(encoding="utf-8"))["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "assistant"]
    assert [message["content"] for message in messages if message["role"] == "user"] == ["a film", "lovely"]
    shown = capsys.readouterr()
    assert len(shown.out.strip("\n")) > 0
    assert "System prompt: Be brief." in shown.err
    assert f"Saved: {file}, 5 messages" in shown.err
    session.take("/undo")
    session.take("lovely")
    session.take(f"/save {file}")  # its own file is written again
    assert json.loads(file.read_text(encoding="utf-8"))["messages"][1:3] == messages[1:3]
    assert "Taken back: lovely" in capsys.readouterr().err
    session.take("/reset")
    with pytest.raises(UsageError, match="nothing was said yet"):
        session.take("/undo")
    assert not session.take("/exit")


def test_a_turn_taken_back_and_said_again_is_the_same(talker: Replier, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(talker, SETTINGS, [])
    session.take("a film")
    capsys.readouterr()
    said = []
    for line in ("lovely", "/undo", "lovely"):
        session.take(line)
        said.append(capsys.readouterr().out)
    assert said[0] == said[2] != ""
    assert said[1] == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/rest", 'Did you mean "/reset"'),
        ("/save", "names no file"),
        ("/undo", "nothing was said"),
        ("/save x", "nothing"),
    ],
)
def test_commands_that_cannot_be_done_are_said(talker: Replier, line: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Session(talker, SETTINGS, []).take(line)


def test_a_file_that_is_there_is_not_overwritten(talker: Replier, tmp_path: Path) -> None:
    session, file = Session(talker, SETTINGS, []), tmp_path / "mine.jsonl"
    file.write_text("mine", encoding="utf-8")
    session.take("a film")
    with pytest.raises(UsageError, match="there already"):
        session.take(f"/save {file}")
    assert file.read_text(encoding="utf-8") == "mine"


def test_what_does_not_fit_leaves_the_dialogue_as_it_was(talker: Replier, tmp_path: Path) -> None:
    session, file = Session(talker, SETTINGS, []), tmp_path / "said.jsonl"
    session.take("a film")
    with pytest.raises(PenjingError, match="the last message has"):
        session.take("film " * 200)
    session.take(f"/save {file}")
    assert len(json.loads(file.read_text(encoding="utf-8"))["messages"]) == 2


def test_ctrl_c_stops_the_reply_alone(
    talker: Replier, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stopped(io.StringIO):
        def flush(self) -> None:  # the user presses Ctrl-C when the first piece is shown
            if self.getvalue() and not self.getvalue().endswith("\n"):
                signal.raise_signal(signal.SIGINT)

    session = Session(talker, SamplingSettings(60, temperature=1.0), [])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a process in the background ignores
    try:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", shown := Stopped())
            session.take("a film")
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(shown.getvalue()) < 20
    assert "(stopped)" in capsys.readouterr().err
    session.take("lovely")
    session.take("/undo")
    session.take("/undo")  # what was written of the reply counts as said
    assert capsys.readouterr().err.splitlines() == ["Taken back: lovely", "Taken back: a film"]


def test_another_reply_takes_the_place_of_the_last(
    talker: Replier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(talker, SETTINGS, [])
    heard = []
    for line in ("a film", "/regenerate", "/regenerate", "/undo", "a film"):
        session.take(line)
        heard.append(capsys.readouterr().out)
    first, second, third, nothing, again = heard
    assert len({first, second, third}) == 3
    assert (nothing, again) == ("", first)
    session.take(f"/save {tmp_path / 'said.jsonl'}")
    assert len(json.loads((tmp_path / "said.jsonl").read_text(encoding="utf-8"))["messages"]) == 2


def test_another_reply_is_another_one_though_more_was_said_and_taken_back(
    talker: Replier, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(talker, SETTINGS, [])
    heard = []
    for line in ("a film", "/regenerate", "lovely", "/undo", "/regenerate", "/regenerate"):
        session.take(line)
        heard.append(capsys.readouterr().out)
    assert len({heard[number] for number in (0, 1, 4, 5)}) == 4


def test_where_no_other_reply_comes_the_last_one_stays(
    talker: Replier, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(talker, SETTINGS, [])
    session.take("a film")
    end = talker._renderer.tokenizer.end_id
    monkeypatch.setattr(session, "_settings", SamplingSettings(1, logit_bias={end: 100.0}))  # from now on it is silent
    capsys.readouterr()
    session.take("/regenerate")
    assert capsys.readouterr().err.splitlines() == ["The model said nothing; the last reply stays."]
    session.take("/undo")
    assert capsys.readouterr().err.splitlines() == ["Taken back: a film"]


def test_saved_dialogue_is_gone_on_with(talker: Replier, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, later = tmp_path / "said.jsonl", tmp_path / "later.jsonl"
    session = Session(talker, SETTINGS, [])
    for line in ("a film", "/system Be brief.", f"/save {file}", "lovely"):
        session.take(line)
    said = capsys.readouterr().out
    other = Session(talker, SETTINGS, [])
    other.take(f"/load {file}")
    other.take("lovely")
    assert said.endswith(capsys.readouterr().out)
    other.take(f"/save {later}")
    messages = json.loads(later.read_text(encoding="utf-8"))["messages"]
    assert messages[:3] == json.loads(file.read_text(encoding="utf-8"))["messages"]
    assert [message["role"] for message in messages[3:]] == ["user", "assistant"]


def test_messages_of_one_side_in_a_row_are_loaded_taken_back_and_heard_again(
    talker: Replier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [
        ("user", "a"),
        ("user", "film"),
        ("assistant", "lovely"),
        ("assistant", "a film"),
        ("user", "x"),
        ("user", "y"),
    ]
    file, kept = tmp_path / "said.json", tmp_path / "kept.jsonl"
    file.write_text(json.dumps([{"role": role, "content": text} for role, text in said]), encoding="utf-8")
    session = Session(talker, SETTINGS, [])
    session.take(f"/load {file}")
    shown = capsys.readouterr().err
    assert "4 messages" in shown
    assert [line.partition(": ")[2] for line in shown.splitlines() if line.startswith("Not replied")] == ["x", "y"]
    session.take("/regenerate")
    session.take(f"/save {kept}")
    messages = json.loads(kept.read_text(encoding="utf-8"))["messages"]
    assert [message["role"] for message in messages] == ["user", "user", "assistant"]
    capsys.readouterr()
    session.take("/undo")
    assert capsys.readouterr().err == "Taken back: a\nTaken back: film\n"
    with pytest.raises(UsageError, match="nothing was said yet"):
        session.take("/undo")


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\r"])
def test_saved_dialogue_with_any_line_end_in_it_is_loaded(talker: Replier, tmp_path: Path, end: str) -> None:
    session = Session(talker, SETTINGS, [])
    for line in (f"a{end}film", f"/save {tmp_path / 'said.jsonl'}", "/reset", f"/load {tmp_path / 'said.jsonl'}"):
        session.take(line)
    assert [message.content for message in session._messages[::2]] == [f"a{end}film"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "it cannot be read"),
        ("no json", "not one dialogue in JSON"),
        ("", "not one dialogue in JSON"),
        ('{"messages": []}\n{"messages": []}\n', "not one dialogue"),
        ('{"messages": [{"role": "assistant", "content": "x"}]}', "begins with the assistant"),
        ("[" * 100_000, "not one dialogue"),
    ],
    ids=["missing", "text", "empty", "two", "turns", "deep"],
)
def test_file_that_is_no_dialogue_leaves_the_dialogue_as_it_was(
    talker: Replier, tmp_path: Path, content: str | None, words: str
) -> None:
    file, session = tmp_path / "given.jsonl", Session(talker, SETTINGS, [])
    session.take("a film")
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(PenjingError, match=words):
        session.take(f"/load {file}")
    session.take("/undo")


def test_line_about_each_reply_says_tokens_and_speed(talker: Replier, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(talker, SETTINGS, [], verbose=True)
    session.take("a film")
    assert re.search(r"^\[\d+ tokens, [\d.]+ tokens/s, [\d.]+ s", capsys.readouterr().err)


def test_messages_are_answered_as_one_json_document_and_lines_one_by_one(cli: Any, folder: Path) -> None:
    options = ("--max-tokens", "8", "--seed", "3")
    messages = [{"role": "user", "content": "a film"}]
    asked = ("chat", "talker", "--system", "Be brief.", *options)
    done = cli.run(*asked, "--json", cwd=folder, stdin=json.dumps({"messages": messages}).encode())
    assert (done.code, done.err) == (0, "")
    document: Any = json.loads(done.out)
    assert [message["role"] for message in document["messages"]] == ["system", "user", "assistant"]
    assert set(document["reply"]) == {"text", "tokens", "finish_reason", "seconds", "dropped"}
    assert document["messages"][-1]["content"] == document["reply"]["text"]
    lines = cli.run(*asked, cwd=folder, stdin=b"a film\n/help\n/nothing\n/exit\nnever\n")
    assert lines.code == 0
    assert (
        lines.out
        == "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in document["reply"]["text"]) + "\n"
    )
    assert "/save FILE" in lines.err
    assert "there is no command /nothing" in lines.err


def test_what_cannot_be_talked_with_is_said_in_one_paragraph(cli: Any, folder: Path) -> None:
    done = cli.run("chat", "plain", "--json", cwd=folder, stdin=b'[{"role": "user", "content": "x"}]')
    assert done.code == 1
    assert "there is no chat template" in done.err
    assert "Traceback" not in done.err
    done = cli.run("chat", "talker", "--json", cwd=folder, stdin=b'[{"role": "assistant", "content": "x"}]')
    assert done.code == 1
    assert done.err.startswith("penjing: standard input, message 1: the dialogue begins with the assistant")
