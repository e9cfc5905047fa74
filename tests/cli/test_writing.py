"""A model that writes, on the command line: asked and measured; what will not do is refused in a paragraph."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.data.reading import read_pairs


@pytest.fixture(scope="module")
def place(pair_run_of: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model ``model``, test pairs as a table and as two files of lines, and some that will not do."""
    run, folder = pair_run_of("llama"), tmp_path_factory.mktemp("writing")
    (folder / "model").symlink_to(run.model)
    pairs = read_pairs(run.artifacts["data"].folder, "test")
    rows = [f"{text},{target}" for text, target in zip(pairs.texts, pairs.targets, strict=True)]
    (folder / "pairs.csv").write_text("\n".join(["text,target", *rows]) + "\n", encoding="utf-8")
    (folder / "a.en").write_text("\n".join(pairs.texts) + "\n", encoding="utf-8")
    (folder / "a.de").write_text("\n".join(pairs.targets) + "\n", encoding="utf-8")
    (folder / "short.de").write_text("\n".join(pairs.targets[:-1]) + "\n", encoding="utf-8")
    (folder / "half.csv").write_text("text,target\none,\n", encoding="utf-8")
    (folder / "latin.de").write_bytes("fünf\n".encode("latin-1"))
    return folder


def test_answers_come_line_by_line_and_as_json(cli: Any, place: Path) -> None:
    texts = ["one two", "three"]
    calls = {
        "given": cli.call(place, ["predict", "model", *texts]),
        "lines": cli.call(place, ["predict", "model"], "\n".join(texts).encode()),
        "json": cli.call(place, ["predict", "model", *texts, "--json"]),
        "file": cli.call(place, ["predict", "model", "--file", "pairs.csv"]),
    }
    done = cli.run_all(calls)
    assert [finished.err for finished in done.values()] == [""] * len(calls)
    assert done["given"].out == done["lines"].out
    found = json.loads(done["json"].out)
    assert [row["text"] for row in found] == texts
    assert [row["written"] for row in found] == done["given"].out.splitlines()
    assert len(done["file"].out.splitlines()) == len((place / "pairs.csv").read_text().splitlines()) - 1


def test_a_table_and_two_files_of_lines_have_the_same_scores_as_the_run(
    cli: Any, place: Path, pair_run_of: Callable[[str], Any]
) -> None:
    options = ["--resamples", "100", "--json"]
    calls = {
        "table": cli.call(place, ["evaluate", "model", "pairs.csv", *options]),
        "lines": cli.call(place, ["evaluate", "model", "a.en", "--beside", "a.de", *options]),
    }
    found = {name: json.loads(done.out) for name, done in cli.run_all(calls).items()}
    expected = pair_run_of("llama").evaluation
    for document in found.values():
        assert document["scores"] == expected["scores"]
        assert document["signature"] == expected["signature"]
    assert len(found["lines"]["written"]) == expected["rows"]


def test_what_will_not_do_is_refused_in_one_paragraph(cli: Any, place: Path) -> None:
    calls = {
        "unequal": ["evaluate", "model", "a.en", "--beside", "short.de"],
        "no columns": ["evaluate", "model", "a.en"],
        "empty side": ["evaluate", "model", "half.csv"],
        "no column": ["evaluate", "model", "pairs.csv", "--target", "german"],
        "gone": ["evaluate", "model", "a.en", "--beside", "gone.de"],
        "encoding": ["evaluate", "model", "a.en", "--beside", "latin.de"],
        "labels": ["explain", "model", "one"],
        "language model's": ["evaluate", "model", "pairs.csv", "--pairs-per-set", "3"],
    }
    done = cli.run_all({name: cli.call(place, args) for name, args in calls.items()})
    done["unequal"].assert_refused(1, "short.de: the file ends after line", "a.en goes on")
    done["no columns"].assert_refused(2, 'the extension ".en"')
    done["empty side"].assert_refused(1, "half.csv, row 2", 'column "target" is empty')
    done["no column"].assert_refused(2, 'no column "german"', "text, target")
    done["gone"].assert_refused(2, "gone.de")
    done["encoding"].assert_refused(1, "latin.de, line 1", "0xFC is no UTF-8")
    done["labels"].assert_refused(2, "whose answers are texts")
    done["language model's"].assert_refused(2, "is for language models")


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [("write", {"beams": 0}, "the entry write is wrong"), ("write", None, "the entry write is not as training")],
)
def test_a_damaged_card_is_refused_by_its_entry(
    cli: Any, place: Path, tmp_path: Path, entry: str, value: Any, words: str
) -> None:
    copy = tmp_path / "model"
    copy.mkdir()
    for file in (place / "model").iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    card = json.loads((copy / "penjing.json").read_text(encoding="utf-8"))
    (copy / "penjing.json").write_text(json.dumps({**card, entry: value}), encoding="utf-8")
    cli.run("predict", str(copy), "one", cwd=tmp_path).assert_refused(1, "penjing.json", words)
