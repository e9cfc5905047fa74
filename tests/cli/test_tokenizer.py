"""``penjing tokenizer`` on the tokenizer of a real run, beside another, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penjing.text.tokenizer import train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

_TEXTS = ["A lovely film <b>", "酒店的服务很好，房间也很干净", "A dull scene in room 12"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "texts.txt").write_text("".join(f"{text}\n" for text in _TEXTS * 4), encoding="utf-8")
    (tmp_path / "bytes").mkdir()
    train_tokenizer([_TEXTS * 4], TokenizerSettings(kind="bpe", vocab_size=320)).save(tmp_path / "bytes")
    return tmp_path


def test_a_run_is_measured_beside_another_tokenizer(cli: Any, trained: tuple[Any, Any], folder: Path) -> None:
    out = str(trained[0].out)
    done = cli.run("tokenizer", out, "texts.txt", "--against", "bytes/tokenizer.json", "--json", cwd=folder)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    run, other = document["tokenizers"]
    assert (document["texts"], run["name"], other["name"]) == (12, "small", "bytes")
    assert run["languages"]["zh"]["texts"] == other["languages"]["zh"]["texts"] == 4
    assert run["unknown_tokens"] > 0
    assert (other["unknown_tokens"], other["altered_texts"], other["uncovered"]["count"]) == (0, 0, 0)
    assert run["hardly_learned"]["count"] >= 0
    assert other["hardly_learned"] is None
    for sample in document["samples"]:
        first, second = ("".join(piece["text"] for piece in pieces) for pieces in sample)
        assert first == second
        assert first in _TEXTS


def test_the_page_is_whole_and_in_the_language_asked_for(cli: Any, folder: Path) -> None:
    for language, words in (("en", "Bytes a token, Chinese"), ("zh", "每词元字节数，中文")):
        done = cli.run("tokenizer", "bytes", "texts.txt", "--html", "card.html", "--lang", language, cwd=folder)
        assert done.code == 0, done.err
        page = (folder / "card.html").read_text(encoding="utf-8")
        assert words in done.out
        assert words in page
        assert "&lt;b&gt;" in page.replace("</mark>", "").replace('<mark class="piece-0">', "").replace(
            '<mark class="piece-1">', ""
        )
        assert "<script" not in page
        assert "http" not in page.replace("http-equiv", "")


def test_tokens_are_set_apart_where_there_is_no_color(cli: Any, folder: Path) -> None:
    printed = cli.run("tokenizer", "bytes", "texts.txt", cwd=folder).out
    line = next(line for line in printed.splitlines() if line.strip().startswith("A|"))
    assert line.replace("|", "").strip() in _TEXTS


def test_a_sample_of_more_text_is_said_to_be_one(cli: Any, folder: Path) -> None:
    printed = cli.run("tokenizer", "bytes", "texts.txt", "--sample-mb", "0.001", cwd=folder).out
    document = json.loads(cli.run("tokenizer", "bytes", "texts.txt", "--sample-mb", "0.0001", "--json", cwd=folder).out)
    assert "an even draw" not in printed
    assert document["texts"] < document["all_texts"] == 12


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "texts.txt"], ["nowhere: there is no such folder or file", "tokenizer.json"]),
        (["bytes", "none.txt"], ["there is no such file"]),
        (["bytes", "texts.txt", "--lang", "fr"], ['there is no language "fr"']),
        (["package:no_such_package/model", "texts.txt"], ["not installed"]),
    ],
)
def test_wrong_calls_are_refused(cli: Any, folder: Path, arguments: list[str], said: list[str]) -> None:
    cli.run("tokenizer", *arguments, cwd=folder).assert_refused(2, *said)


def test_texts_in_another_encoding_are_read(cli: Any, folder: Path) -> None:
    pytest.importorskip("chardet")
    texts = [*_TEXTS, "前台的人很热情，早餐也不错，下次还会来住。"] * 4
    (folder / "gb.txt").write_bytes("".join(f"{text}\n" for text in texts).encode("gb18030"))
    done = cli.run("tokenizer", "bytes", "gb.txt", "--json", cwd=folder)
    assert done.code == 0, done.err
    assert json.loads(done.out)["tokenizers"][0]["languages"]["zh"]["texts"] == 8
