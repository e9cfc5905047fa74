"""Chat templates render as in Transformers, to the token, and are found where a model folder has them."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from penjing.data.messages import Message, read_messages
from penjing.errors import DataError, ModelFolderError
from penjing.text.chat_template import (
    CHAT_TEMPLATE,
    DEFAULT_TEMPLATE,
    ChatTemplate,
    read_chat_template,
    settle_chat_template,
    write_chat_template,
)
from penjing.text.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

#: Templates of models under Apache-2.0 and MIT, as the package trl (Apache-2.0) carries them.
KNOWN = (
    "deepseek_r1_distill",
    "deepseekv3",
    "glm4moe",
    "gptoss",
    "phi3",
    "phi3_5",
    "qwen2_5",
    "qwen3",
    "qwen3_5_think",
    "qwen3_instruct_2507",
    "qwen3_training",  # with blocks ``generation``
    "smolvlm",
)
_MARK = re.compile(r"<[|｜][^|｜<>'\"{}]+[|｜]>|</?think>|<end_of_utterance>")
DIALOGUES = {
    "one": [("user", "Hello there")],
    "two": [("user", "Hello"), ("assistant", "你好，朋友。"), ("user", '  spaces <b>&"quotes"</b>\n')],
    "system": [
        ("system", "Brief."),
        ("user", "Who?"),
        ("assistant", "<think>\nhm\n</think>\n\nI."),
        ("user", "Why?"),
    ],
    "answered": [
        ("system", "Brief."),
        ("user", "Who?"),
        ("assistant", "I am."),
        ("user", "So"),
        ("assistant", "Yes"),
    ],
}


def messages(turns: list[tuple[str, str]]) -> list[Message]:
    return read_messages([{"role": role, "content": content} for role, content in turns], "test")


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    return train_tokenizer([["Hello there, who am I?"] * 3], TokenizerSettings(kind="bpe", vocab_size=300))


def folder_of(path: Path, source: str, trained: Tokenizer) -> Path:
    """Writes a folder with a tokenizer that has the marks of a template."""
    path.mkdir()
    trained.save(path)
    backend = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
    backend.add_special_tokens(sorted(set(_MARK.findall(source)) - {"<think>", "</think>"}))
    backend.add_tokens(["<think>", "</think>"])
    backend.save(str(path / "tokenizer.json"))
    write_chat_template(path, source)
    return path


@pytest.mark.parametrize("name", [*KNOWN, "ours"])
def test_rendered_dialogues_are_those_of_transformers_to_the_token(
    name: str, trained: Tokenizer, tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    if name == "ours":
        source = DEFAULT_TEMPLATE
    else:
        package = find_spec("trl")
        if package is None or package.origin is None:
            pytest.skip("trl is not installed, which carries chat templates")
        source = (Path(package.origin).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
    folder = folder_of(tmp_path / "model", source, trained)
    theirs: Any = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    ours, tokenizer = read_chat_template(folder), load_tokenizer(folder)
    assert ours is not None
    for turns in DIALOGUES.values():
        dialogue = messages(turns)
        asks = turns[-1][0] == "user"
        values = [message.to_dict() for message in dialogue]
        text = ours.render(dialogue, asks=asks)
        assert text == theirs.apply_chat_template(values, add_generation_prompt=asks, tokenize=False)
        ids = [token_id for token_id, _ in tokenizer.encode_marked(text, "\ufdd0")]
        expected = theirs.apply_chat_template(values, add_generation_prompt=asks, return_dict=False)
        assert ids == list(expected)


def rendered(source: str, **more: Any) -> str:
    return ChatTemplate(source, {"bos_token": "<s>"}).render([Message("user", "a <b> 'c' é")], **more)


def test_the_environment_has_what_templates_ask_for() -> None:
    assert rendered("{{ bos_token }}{{ messages[0]['content'] }}") == "<s>a <b> 'c' é"
    assert rendered("{{ messages[0].content | tojson }}") == "\"a <b> 'c' é\""
    assert rendered("{{ {'b': 1, 'a': [2]} | tojson(indent=2) }}") == json.dumps({"b": 1, "a": [2]}, indent=2)
    assert rendered("{% for i in range(5) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}") == "01"
    assert re.fullmatch(r"\d{4}", rendered("{{ strftime_now('%Y') }}"))
    assert rendered("{% generation %}x{% endgeneration %}y") == "xy"
    assert rendered("  {% if true %}\nx\n  {% endif %}\ny") == "x\ny"  # blocks are trimmed
    assert rendered("{{ tools is none }} {{ documents is none }} {{ unknown }}") == "True True "
    assert rendered("{{ thinking }}", thinking="on") == "on"


@pytest.mark.parametrize(
    "source",
    [
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages[7]['content'] }}{{ nothing.at.all }}",
        "{{ ''.__class__.__mro__ }}",  # the sandbox
        "{{ messages.append(1) }}",
        "{{ 1 // 0 }}",
    ],
)
def test_what_a_template_raises_is_said_in_one_paragraph(source: str) -> None:
    with pytest.raises(DataError, match="the chat template refuses the dialogue"):
        rendered(source)


def test_what_is_no_jinja_is_refused_with_its_line() -> None:
    with pytest.raises(ModelFolderError, match="line 2"):
        ChatTemplate("fine\n{% if %}", {}, "model/chat_template.jinja")


def config(folder: Path, **entries: Any) -> Path:
    values = {"eos_token": {"content": "</s>", "special": True}, "bos_token": "<s>", **entries}
    (folder / "tokenizer_config.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


def test_a_template_is_found_in_the_config_by_itself_or_by_name_and_in_its_own_file(tmp_path: Path) -> None:
    def found() -> str | None:
        template = read_chat_template(tmp_path)
        return None if template is None else template.render([Message("user", "x")])

    assert read_chat_template(tmp_path) is None
    config(tmp_path)
    assert found() is None
    config(tmp_path, chat_template="{{ bos_token }}text{{ eos_token }}")
    assert found() == "<s>text</s>"
    config(tmp_path, chat_template=[{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}])
    assert found() == "d"
    config(tmp_path, chat_template=[{"name": "only", "template": "o"}])
    assert found() == "o"
    (tmp_path / CHAT_TEMPLATE).write_text("file", encoding="utf-8")
    assert found() == "file"
    write_chat_template(tmp_path, "written")
    assert found() == "written"
    assert both(tmp_path) == ("written", "written")


def both(folder: Path) -> tuple[str | None, Any]:
    """Returns what the file and the config of a folder have as chat template."""
    file, values = folder / CHAT_TEMPLATE, json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    return file.read_text(encoding="utf-8") if file.is_file() else None, values.get("chat_template")


NAMED = [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]


@pytest.mark.parametrize(
    ("file", "entry", "expected"),
    [
        ("file", None, ("file", "file")),
        (None, "entry", ("entry", "entry")),
        ("file", "entry", ("file", "file")),  # they differ: the file holds
        ("d", NAMED, ("d", NAMED)),
        ("file", NAMED, ("file", "file")),
        ("file", [{"name": "a", "template": "x"}, {"name": "b", "template": "y"}], ("file", "file")),
        (None, NAMED, (None, NAMED)),  # beside a file Transformers would not read tool_use
        (None, None, (None, None)),
    ],
)
def test_both_places_of_a_copied_template_are_made_to_agree(
    file: str | None, entry: Any, expected: tuple[str | None, Any], tmp_path: Path
) -> None:
    config(tmp_path, **({} if entry is None else {"chat_template": entry}))
    if file is not None:
        (tmp_path / CHAT_TEMPLATE).write_text(file, encoding="utf-8")
    before = read_chat_template(tmp_path)
    settle_chat_template(tmp_path)
    after = read_chat_template(tmp_path)
    assert both(tmp_path) == expected
    assert (before.source if before else None) == (after.source if after else None)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["bos_token"] == "<s>"


@pytest.mark.parametrize("where", ["file", "entry"])
def test_either_place_alone_is_enough_for_transformers(where: str, trained: Tokenizer, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    folder = folder_of(tmp_path / "model", DEFAULT_TEMPLATE, trained)
    assert both(folder) == (DEFAULT_TEMPLATE, DEFAULT_TEMPLATE)
    if where == "entry":  # as older tools see the folder
        (folder / CHAT_TEMPLATE).unlink()
    else:
        path = folder / "tokenizer_config.json"
        values = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**values, "chat_template": "another"}), encoding="utf-8")
    theirs: Any = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    ours = read_chat_template(folder)
    assert ours is not None
    values = [{"role": "user", "content": "Hello"}]
    text = theirs.apply_chat_template(values, add_generation_prompt=True, tokenize=False)
    assert text == ours.render([Message("user", "Hello")], asks=True)
    assert "<|user|>Hello" in text


@pytest.mark.parametrize("value", [[{"name": "a", "template": "x"}, {"name": "b", "template": "y"}], 7, [1]])
def test_templates_of_which_none_is_the_default_are_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ModelFolderError, match="chat"):
        read_chat_template(config(tmp_path, chat_template=value))
