"""Pairs of texts: from tables or from two files side by side, each pair once, nothing of evaluation in training."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from penjing.data.pairs import build_pairs
from penjing.data.reading import iter_texts, read_pair_rows, read_pairs
from penjing.data.settings import PairedData
from penjing.data.splitting import SplitDrawer
from penjing.errors import DataError, PenjingError, RecipeError
from penjing.progress import Silent

ENGLISH = [f"the {number} dogs run" for number in range(20)]
GERMAN = [f"die {number} Hunde laufen" for number in range(20)]


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def write_table(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "target"), *rows])
    return path


def build(out: Path, seed: int = 0, **values: Any) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    return build_pairs(PairedData.model_validate(values), seed, out, Silent())


def all_pairs(folder: Path) -> list[tuple[str, str]]:
    return sorted(
        pair for split in ("train", "validation", "test") for pair in zip(*read_pairs(folder, split)[:2], strict=True)
    )


def test_two_files_side_by_side_are_the_table_of_their_lines(tmp_path: Path) -> None:
    sides = [
        str(write_lines(tmp_path / "a.en.gz", ENGLISH)),
        str(write_lines(tmp_path / "a.de", GERMAN)),
    ]
    table = write_table(tmp_path / "pairs.csv", list(zip(ENGLISH, GERMAN, strict=True)))
    counts = build(tmp_path / "lines", path=sides)
    build(tmp_path / "table", path=str(table))
    assert all_pairs(tmp_path / "lines") == all_pairs(tmp_path / "table") == sorted(zip(ENGLISH, GERMAN, strict=True))
    assert {split: part["rows"] for split, part in counts["splits"].items()} == {
        "train": 16,
        "validation": 2,
        "test": 2,
    }
    row = pq.read_table(tmp_path / "lines" / "test.parquet").to_pylist()[0]
    assert ENGLISH[row["row"] - 1] == row["text"]
    assert row["source"] == "a.en.gz"


def test_a_pair_comes_once_and_a_text_may_have_two_targets(tmp_path: Path) -> None:
    rows = [*zip(ENGLISH, GERMAN, strict=True), (ENGLISH[0], GERMAN[0]), (ENGLISH[0], "Hunde")]
    counts = build(tmp_path / "out", path=str(write_table(tmp_path / "pairs.csv", rows)))
    assert counts["duplicates"] == 1
    kept = all_pairs(tmp_path / "out")
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize("form", ["{}", "{} ", "{}!"])
def test_texts_of_test_are_not_learned_from_in_another_form(tmp_path: Path, form: str) -> None:
    train = [*zip(ENGLISH, GERMAN, strict=True), (form.format("A Cat sits").upper(), "Eine Katze")]
    counts = build(
        tmp_path / "out",
        path=str(write_table(tmp_path / "train.csv", train)),
        test=str(write_table(tmp_path / "test.csv", [("a cat sits", "eine Katze sitzt")])),
        validation=str(write_table(tmp_path / "dev.csv", [("a bird", "ein Vogel")])),
    )
    assert counts["overlap"] == {"train": 1, "validation": 0}
    assert not any("cat" in text.lower() for text in read_pairs(tmp_path / "out", "train").texts)


def test_both_sides_can_be_read_for_a_tokenizer(tmp_path: Path) -> None:
    build(tmp_path / "out", path=str(write_table(tmp_path / "pairs.csv", list(zip(ENGLISH, GERMAN, strict=True)))))
    train = read_pairs(tmp_path / "out", "train")
    file = tmp_path / "out" / "train.parquet"
    assert [text for batch in iter_texts(file, 3, "target") for text in batch] == train.targets
    assert [text for batch in iter_texts(file, 3) for text in batch] == train.texts


def refused(error: type[PenjingError], out: Path, *words: str, **values: Any) -> None:
    with pytest.raises(error) as caught:
        build(out, **values)
    for word in words:
        assert word in str(caught.value)
    assert not (out / "counts.json").exists()


@pytest.mark.parametrize(("shorter", "longer"), [(0, 1), (1, 0)])
def test_files_of_unequal_length_are_refused_by_line(tmp_path: Path, shorter: int, longer: int) -> None:
    many = 5000  # more than a batch
    sides = [write_lines(tmp_path / name, [f"line {n}" for n in range(many)]) for name in ("a.en", "a.de")]
    write_lines(sides[shorter], [f"line {n}" for n in range(many - 7)])
    names = [side.name for side in sides]
    expected = f"{names[shorter]}: the file ends after line 4,993, and {names[longer]} goes on"
    refused(DataError, tmp_path / "out", expected, path=[str(side) for side in sides])


@pytest.mark.parametrize(("column", "row"), [("text", ("  ", "ja")), ("target", ("yes", ""))])
def test_an_empty_side_is_refused_by_row_or_dropped_and_counted(
    tmp_path: Path, column: str, row: tuple[str, str]
) -> None:
    path = str(write_table(tmp_path / "pairs.csv", [*zip(ENGLISH, GERMAN, strict=True), row]))
    refused(DataError, tmp_path / "out", "pairs.csv, row 22", f'column "{column}" is empty', path=path)
    counts = build(tmp_path / "dropped", path=path, empty_text="drop")
    assert (counts["empty"], counts["kept"]) == (1, 20)


def test_an_empty_line_beside_a_text_is_refused_by_its_line(tmp_path: Path) -> None:
    german = [*GERMAN[:4], "", *GERMAN[5:]]
    sides = [str(write_lines(tmp_path / "a.en", ENGLISH)), str(write_lines(tmp_path / "a.de", german))]
    refused(DataError, tmp_path / "out", "a.en, row 5", 'column "target" is empty', path=sides)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    table = str(write_table(tmp_path / "pairs.csv", list(zip(ENGLISH, GERMAN, strict=True))))
    refused(RecipeError, tmp_path / "out", 'no column "german"', path=table, target="german")
    refused(RecipeError, tmp_path / "out", "gone.de", path=[table, str(tmp_path / "gone.de")])
    few = str(write_table(tmp_path / "few.csv", [("a", "b"), ("c", "d")]))
    refused(DataError, tmp_path / "out", "with 2 rows there would be none", "At least 5 rows are needed", path=few)
    for values in (
        {"path": table, "text": "same", "target": "same"},
        {"path": [table, table], "columns": ["text", "target"]},
        {"path": [table, table], "test": table},
        {"path": [table, table, table]},
        {"path": table, "test": table, "test_target": "text"},
        {"path": table, "test": table, "test_target": ["a", "a"]},
        {"path": [table, table], "test": [table, table], "test_target": "other"},
    ):
        with pytest.raises(ValueError, match="validation error"):
            PairedData.model_validate(values)


def write_objects(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_several_references_are_kept_by_row_and_each_is_learned(tmp_path: Path) -> None:
    rows = [
        {"text": [f"abstract {n}.", "And more."], "target": [f"one {n}", "", f"two {n}", f"one {n}"][: 1 + n % 4]}
        for n in range(20)
    ]
    build(tmp_path / "list", path=str(write_objects(tmp_path / "list.jsonl", rows)))
    row = next(row for row in pq.read_table(tmp_path / "list" / "train.parquet").to_pylist() if row["row"] == 3)
    assert (row["text"], row["target"], row["references"]) == ("abstract 2. And more.", "one 2", ["one 2", "two 2"])
    cells = [{"text": str(n), "a": None if n == 5 else f"a{n}", "b": f"b{n}" if n % 2 else " "} for n in range(20)]
    build(tmp_path / "cells", path=str(write_objects(tmp_path / "cells.jsonl", cells)), target=["a", "b"])
    kept = {
        text: references
        for split in ("train", "validation", "test")
        for text, _, references in zip(*read_pairs(tmp_path / "cells", split), strict=True)
    }
    assert (kept["4"], kept["5"], kept["7"]) == (["a4"], ["b5"], ["a7", "b7"])
    learned = list(read_pairs(tmp_path / "cells", "train").examples())
    assert [pair for pair in learned if pair[0] == "7"] in ([("7", "a7"), ("7", "b7")], [])
    assert len(learned) > len(read_pairs(tmp_path / "cells", "train").texts)


def test_test_files_may_have_columns_of_their_own_for_several_references(tmp_path: Path) -> None:
    train = write_objects(tmp_path / "dev.jsonl", [{"text": f"talk {n}", "summary": f"sum {n}"} for n in range(20)])
    rows = [{"text": f"other {n}", **{f"summary{i}": f"{n} in {i} words" for i in (1, 2)}} for n in range(5)]
    test = write_objects(tmp_path / "test.jsonl", rows)
    settings = {"path": str(train), "target": "summary", "test_target": ["summary1", "summary2"]}
    build(tmp_path / "out", **settings, test=str(test))
    assert read_pairs(tmp_path / "out", "test").references[3] == ["3 in 1 words", "3 in 2 words"]
    learned = read_pairs(tmp_path / "out", "train")
    assert all(references == [text.replace("talk", "sum")] for text, _, references in zip(*learned, strict=True))
    refused(RecipeError, tmp_path / "none", "no test files", "[data] test_target", **settings)
    wrong = {**settings, "test": str(test), "test_target": "summary3"}
    refused(RecipeError, tmp_path / "wrong", 'no column "summary3"', "test.jsonl", **wrong)
    folder = tmp_path / "folder"  # whose files are told apart by their names
    folder.mkdir()
    for file, name in ((train, "train.jsonl"), (test, "test.jsonl")):
        (folder / name).write_bytes(file.read_bytes())
    build(tmp_path / "named", **{**settings, "path": str(folder)})
    assert len(read_pairs(tmp_path / "named", "test").references[0]) == 2


def test_a_row_without_any_reference_is_empty(tmp_path: Path) -> None:
    file = write_objects(tmp_path / "pairs.jsonl", [{"text": f"a{n}", "target": ["b"] if n else []} for n in range(20)])
    refused(DataError, tmp_path / "out", 'column "target" is empty', "row 1", path=str(file))
    assert build(tmp_path / "kept", path=str(file), empty_text="drop")["empty"] == 1


def test_a_number_in_a_list_of_references_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"text": "a", "target": ["b", 3]}\n', encoding="utf-8")
    refused(DataError, tmp_path / "out", 'column "target" is', "which is no text", path=str(file))


def test_rows_for_evaluation_come_from_a_table_or_from_lines(tmp_path: Path) -> None:
    table = write_table(tmp_path / "pairs.csv", [("a", "b")])
    lines = write_lines(tmp_path / "a.en", ["a"]), write_lines(tmp_path / "a.de", ["b"])
    assert (
        list(read_pair_rows(str(table)))
        == list(read_pair_rows(str(lines[0]), beside=lines[1]))
        == [(["a"], ["b"], [["b"]])]
    )


def test_multi30k_is_read_whole(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "multi30k"
    names = {"path": "train", "validation": "val", "test": "test_2016_flickr"}
    values = {key: [str(folder / f"{name}.{side}.gz") for side in ("en", "de")] for key, name in names.items()}
    counts = build(tmp_path / "out", **values)
    assert counts["read"] == 29_000 + 1_014 + 1_000
    assert {split: part["rows"] for split, part in counts["splits"].items()} == {
        "train": 28_986,
        "validation": 1_014,
        "test": 1_000,
    }


def test_a_text_with_several_targets_is_in_one_split_with_all_of_them(tmp_path: Path) -> None:
    rows = [(f"Text {n}.", f"target {n} {k}") for k in range(3) for n in range(100)]
    counts = build(tmp_path / "out", path=str(write_table(tmp_path / "pairs.csv", rows)))
    assert {split: part["rows"] for split, part in counts["splits"].items()} == {
        "train": 240,
        "validation": 30,
        "test": 30,
    }
    assert counts["overlap"] == {"train": 0, "validation": 0}
    of = {split: set(read_pairs(tmp_path / "out", split)[0]) for split in ("train", "validation", "test")}
    assert sum(map(len, of.values())) == len(set.union(*of.values())) == 100


def test_texts_that_come_once_are_drawn_as_rows_are(tmp_path: Path) -> None:
    rows = [(f"text {n}", f"target {n}") for n in range(300)]
    build(tmp_path / "out", seed=3, path=str(write_table(tmp_path / "pairs.csv", rows)))
    drawer = SplitDrawer([[240, 30, 30]], 3)
    splits = [drawer.draw(0) for _ in rows]
    for number, split in enumerate(("train", "validation", "test")):
        expected = [row[0] for row, drawn in zip(rows, splits, strict=True) if drawn == number]
        assert read_pairs(tmp_path / "out", split)[0] == expected
