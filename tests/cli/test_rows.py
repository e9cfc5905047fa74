"""``penjing data show RECIPE``: the first rows of a recipe, token by token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_PAIRS = """\
name = "pairs"
task = "translate"

[data]
path = "pairs.csv"

[tokenizer]
kind = "word"
vocab_size = 300

[model]
family = "llama"
size = "tiny"

[render]
max_tokens = 6
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [f"number {n} stands here for all to see,die Zahl {n}" for n in range(40)]
    (tmp_path / "pairs.csv").write_text("\n".join(["text,target", *rows]), encoding="utf-8")
    (tmp_path / "pairs.toml").write_text(_PAIRS, encoding="utf-8")
    (tmp_path / "texts.toml").write_text(
        _PAIRS.replace('task = "translate"\n', "")
        .replace("[data]", "[corpus]")
        .replace("[render]\nmax_tokens = 6", '[pretrain]\nobjective = "causal"\nwindow_tokens = 16'),
        encoding="utf-8",
    )
    return tmp_path


def test_what_is_learned_and_what_is_cut_is_marked(cli: Any, folder: Path) -> None:
    done = cli.run("data", "show", "pairs.toml", "--rows", "2", cwd=folder)
    assert done.code == 0, done.err
    first = done.out.splitlines()
    assert first[0] == "6 tokens are read, 4 learned, 4 cut"
    assert "|here[-for|all|to|see-][SEP]{+die|zahl|" in first[1]
    assert not (folder / "runs").exists()
    document = json.loads(cli.run("data", "show", "pairs.toml", "--rows", "2", "--json", cwd=folder).out)
    assert [row["counts"] for row in document["rows"]] == [{"read": 6, "learned": 4, "cut": 4}] * 2
    states = [token["state"] for token in document["rows"][0]["tokens"]]
    assert states == ["read"] * 5 + ["cut"] * 4 + ["read"] + ["learned"] * 4


def test_documents_of_a_language_model_are_learned_but_for_their_start(cli: Any, folder: Path) -> None:
    done = cli.run("data", "show", "texts.toml", "--rows", "1", "--lang", "zh", cwd=folder)
    assert done.code == 0, done.err
    assert done.out.startswith("只读 1 个词元，学习 ")


def test_rows_with_several_labels_are_shown_with_them(cli: Any, tmp_path: Path) -> None:
    kinds = (("sad", "drama|war"), ("odd", ""))
    rows = [f"a {word} film number {n},{labels}" for n in range(30) for word, labels in kinds]
    (tmp_path / "films.csv").write_text("\n".join(["text,labels", *rows]), encoding="utf-8")
    recipe = _PAIRS.replace("pairs", "films").replace("translate", "multilabel").replace('"llama"', '"bert"')
    recipe = recipe.replace('films.csv"', 'films.csv"\nseparator = "|"')
    (tmp_path / "films.toml").write_text(recipe, encoding="utf-8")
    done = cli.run("data", "show", "films.toml", "--rows", "8", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "drama, war" in done.out
    assert "–" in done.out


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["pairs.toml", "00ff"], ["ids of texts are for a run"]),
        (["nowhere.toml"], ["no such recipe"]),
        (["."], ["there is no id"]),
    ],
)
def test_what_cannot_be_shown_is_refused(cli: Any, folder: Path, asked: list[str], words: list[str]) -> None:
    done = cli.run("data", "show", *asked, cwd=folder)
    assert (done.code, done.out) == (2, "")
    for word in words:
        assert word in done.err
