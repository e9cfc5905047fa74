"""Labels in cells: read, repaired, left out or refused, by the rules of a recipe."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from penjing.data.label_cells import fold_label
from penjing.data.label_sets import build_label_sets
from penjing.data.label_settings import LabelledData, MultilabelData
from penjing.data.labelled import build_labelled, build_ordered
from penjing.data.reading import read_label_sets, read_split
from penjing.errors import DataError
from penjing.progress import Silent
from penjing.tasks.sentiment import SENTIMENT
from penjing.tasks.stars import STARS

NAMES = ("red", "green", "blue")


def write(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def numbered(labels: Sequence[str], count: int = 60) -> list[tuple[str, str]]:
    return [(f"text number {n}", labels[n % len(labels)]) for n in range(count)]


def build(path: Path, out: Path, make: Any = build_labelled, **values: Any) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    counts: dict[str, Any] = make(LabelledData.model_validate({"path": str(path), **values}), 0, out, Silent())
    return counts


def build_sets(path: Path, out: Path, **values: Any) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    settings = MultilabelData.model_validate({"path": str(path), **values})
    return build_label_sets(settings, 0, out, Silent())


def every_set(out: Path) -> dict[str, set[str]]:
    rows = [read_label_sets(out, split) for split in ("train", "validation", "test")]
    return {text: set(labels) for part in rows for text, labels in zip(part.texts, part.labels, strict=True)}


def test_labels_that_differ_only_in_case_or_spaces_are_refused_with_their_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*numbered(["good", "bad"]), ("one more", "Good")], ["text", "label"])
    with pytest.raises(DataError, match=r'a.csv, row 62: the label "Good" differs from "good" only in case or spaces'):
        build(path, tmp_path / "out")


def test_spellings_are_repaired_to_the_more_frequent_one_and_counted(tmp_path: Path) -> None:
    rows = [("first", "Very  Bad"), *numbered(["very bad", "good"]), ("last", "ＧＯＯＤ")]
    path = write(tmp_path / "a.csv", rows, ["text", "label"])
    counts = build(path, tmp_path / "out", spelling="repair")
    assert (counts["labels"], counts["respelled"]) == (["good", "very bad"], 2)
    assert sum(len(read_split(tmp_path / "out", split).texts) for split in ("train", "validation", "test")) == 62


def test_a_named_label_repairs_what_differs_from_it_in_spelling(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*numbered(["good", "bad"]), ("one more", "GOOD")], ["text", "label"])
    with pytest.raises(DataError, match=r'"GOOD"; the labels are bad, good.*spelling = "repair"'):
        build(path, tmp_path / "out", labels=["bad", "good"])
    counts = build(path, tmp_path / "repaired", labels=["bad", "good"], spelling="repair")
    assert counts["respelled"] == 1


def test_rows_without_a_label_or_with_one_that_is_not_named_are_left_out_where_the_recipe_says_so(
    tmp_path: Path,
) -> None:
    rows = [*numbered(["good", "bad"]), ("none", ""), ("strange", "so-so")]
    path = write(tmp_path / "a.csv", rows, ["text", "label"])
    with pytest.raises(DataError, match=r'a.csv, row 62: column "label" is empty.*empty_label = "drop"'):
        build(path, tmp_path / "out")
    drops = {"empty_label": "drop", "unknown_label": "drop", "labels": ["bad", "good"]}
    counts = build(path, tmp_path / "dropped", **drops)
    assert (counts["read"], counts["kept"], counts["unlabelled"], counts["unknown"]) == (62, 60, 1, 1)
    with pytest.raises(ValidationError, match="none is unknown"):
        LabelledData.model_validate({"path": "a.csv", "unknown_label": "drop"})


def test_letters_and_signs_make_a_difference_and_forms_do_not() -> None:
    assert len({fold_label(label) for label in ("C", "C++", "C#", "+1", "-1")}) == 5
    assert fold_label(" Ｓｔｒａßｅ 1") == fold_label("strasse1")


def test_ordered_labels_are_numbers_or_given_in_order(tmp_path: Path) -> None:
    halves = write(tmp_path / "halves.csv", numbered(["10", "9.5", "-1"]), ["text", "label"])
    assert build(halves, tmp_path / "halves", build_ordered)["labels"] == ["-1", "9.5", "10"]
    words = write(tmp_path / "words.csv", numbered(["poor", "fair", "good"]), ["text", "label"])
    with pytest.raises(DataError, match=r'"poor" is no number.*labels = \["bad", "fair", "good"\]'):
        build(words, tmp_path / "words", build_ordered)
    order = ["poor", "fair", "good"]
    assert build(words, tmp_path / "given", build_ordered, labels=order)["labels"] == order


def set_of(number: int) -> list[str]:
    """Returns one of the eight sets of three labels, the empty one too."""
    return [name for bit, name in enumerate(NAMES) if number >> bit & 1]


def test_lists_separated_texts_and_columns_of_0_and_1_are_the_same_labels(tmp_path: Path) -> None:
    texts = [f"text number {n}" for n in range(80)]
    sets = [set_of(n % 8) for n in range(80)]
    with (tmp_path / "a.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": t, "labels": s}) + "\n" for t, s in zip(texts, sets, strict=True))
    pq.write_table(pa.table({"text": texts, "labels": sets}), tmp_path / "a.parquet")
    rows = [(text, " | ".join(names)) for text, names in zip(texts, sets, strict=True)]
    write(tmp_path / "a.csv", rows, ["text", "labels"])
    for name, told in (
        ("python.csv", repr),
        ("json.csv", json.dumps),
        ("numpy.csv", lambda s: repr(s).replace(",", "")),
    ):
        write(
            tmp_path / name, [(text, told(names)) for text, names in zip(texts, sets, strict=True)], ["text", "labels"]
        )
    flags = [(text, *("01"[name in names] for name in NAMES)) for text, names in zip(texts, sets, strict=True)]
    write(tmp_path / "flags.csv", flags, ["text", *NAMES])
    found = []
    for name, more in (
        ("a.jsonl", {}),
        ("a.parquet", {}),
        ("a.csv", {"separator": "|"}),
        ("python.csv", {}),
        ("python.csv", {"separator": ","}),
        ("json.csv", {}),
        ("numpy.csv", {}),
        ("flags.csv", {"label": list(NAMES)}),
    ):
        out = tmp_path / f"out-{len(found)}"
        counts = build_sets(tmp_path / name, out, **more)
        assert sorted(counts["labels"]) == sorted(NAMES)
        assert counts["sets"] == 8
        assert sum(part["without"] for part in counts["splits"].values()) == 10
        assert [part["rows"] for part in counts["splits"].values()] == [64, 8, 8]
        found.append(every_set(out))
    assert found[0] == dict(zip(texts, map(set, sets), strict=True))
    assert all(other == found[0] for other in found)


def test_what_is_no_set_of_labels_is_refused_with_its_row(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.csv", numbered(["red|blue", "green"]), ["text", "labels"])
    with pytest.raises(DataError, match=r'plain.csv, row 2: column "labels" is the text "red\|blue".*separator'):
        build_sets(plain, tmp_path / "out")
    flags = write(tmp_path / "flags.csv", [("one", "1", "2")], ["text", "red", "blue"])
    with pytest.raises(DataError, match=r'flags.csv, row 2: column "blue" is "2"; a column of a label is 0 or 1'):
        build_sets(flags, tmp_path / "out", label=["red", "blue"])
    with pytest.raises(DataError, match="no label at all"):
        build_sets(write(tmp_path / "none.csv", numbered([""]), ["text", "labels"]), tmp_path / "out", separator="|")


def test_rules_of_several_labels_leave_out_labels_or_rows(tmp_path: Path) -> None:
    rows = [*numbered(["red|blue", "blue|green|blue", ""]), ("odd", "RED|pink")]
    path = write(tmp_path / "a.csv", rows, ["text", "labels"])
    named = {"separator": "|", "labels": list(NAMES)}
    with pytest.raises(DataError, match=r'row 62: column "labels" is "RED"'):
        build_sets(path, tmp_path / "out", **named)
    counts = build_sets(path, tmp_path / "left", spelling="repair", unknown_label="drop", **named)
    assert (counts["unknown_labels"], counts["respelled"], counts["kept"]) == (1, 1, 61)
    assert every_set(tmp_path / "left")["odd"] == {"red"}
    counts = build_sets(
        path, tmp_path / "dropped", spelling="repair", unknown_label="drop", empty_label="drop", **named
    )
    assert (counts["unlabelled"], counts["kept"]) == (20, 41)
    with pytest.raises(DataError, match=r"row 4: there is no label.*empty_label"):
        build_sets(path, tmp_path / "refused", empty_label="refuse", **named)


def test_duplicates_are_dropped_whatever_their_labels_and_conflicts_counted(tmp_path: Path) -> None:
    rows = [*numbered(["red|blue", "green"]), ("text number 0", "green"), ("text number 1", "green")]
    counts = build_sets(write(tmp_path / "a.csv", rows, ["text", "labels"]), tmp_path / "out", separator="|")
    assert (counts["duplicates"], counts["conflicts"]) == (2, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"label": ["text", "red"]}, "Name two columns"),
        ({"label": ["red", "red"]}, "names a column twice"),
        ({"label": ["red", "blue"], "separator": "|"}, "separator is for one column"),
        ({"label": ["red"]}, "without brackets"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MultilabelData.model_validate({"path": "a.csv", **values})


def named(path: Path, task: Any) -> LabelledData:
    """Returns what a recipe of a task says of a file, as the kind of its task fills it in."""
    return LabelledData(path=str(path)).model_copy(update={"labels": task.label_names})


def test_whole_numbers_written_as_floats_are_whole_numbers(tmp_path: Path) -> None:
    stars = write(tmp_path / "stars.csv", numbered(["1.0", "2", "3.00", "4.0", "5.0", "5"]), ["text", "label"])
    assert build_ordered(named(stars, STARS), 0, tmp_path, Silent())["labels"] == ["1", "2", "3", "4", "5"]
    moods = write(tmp_path / "moods.csv", numbered(["0.0", "1.0", "pos"]), ["text", "label"])
    assert build_labelled(named(moods, SENTIMENT), 0, tmp_path, Silent())["labels"] == ["negative", "positive"]
    marks = write(tmp_path / "marks.csv", numbered(["10.0", "9.5", "10", "-1.0"]), ["text", "label"])
    assert build(marks, tmp_path / "marks", build_ordered)["labels"] == ["-1", "9.5", "10"]
    given = build(stars, tmp_path / "given", labels={str(n): f"{n} of 5" for n in range(1, 6)})
    assert given["labels"] == [f"{n} of 5" for n in range(1, 6)]
    versions = write(tmp_path / "versions.csv", numbered(["1.0", "1.1", "2.0"]), ["text", "label"])
    assert build(versions, tmp_path / "versions")["labels"] == ["1.0", "1.1", "2.0"]  # classify: as they are written


def test_half_a_star_is_none_of_five(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", numbered(["4.0", "4.5"]), ["text", "label"])
    with pytest.raises(DataError, match=r'a.csv, row 3: column "label" is "4.5"'):
        build_ordered(named(path, STARS), 0, tmp_path, Silent())


@pytest.mark.parametrize("zero", ["0", "0.0"])
def test_neutral_is_not_taken_for_negative_in_another_file_either(tmp_path: Path, zero: str) -> None:
    train = write(tmp_path / "train.csv", numbered(["1", zero]), ["text", "label"])
    test = write(tmp_path / "test.csv", [("a", "1"), ("b", "-1")], ["text", "label"])
    settings = named(train, SENTIMENT).model_copy(update={"test": str(test)})
    with pytest.raises(DataError, match=r'test.csv, row 3: the label "-1" stands beside "0".*task = "classify"'):
        build_labelled(settings, 0, tmp_path, Silent())


def test_neutral_is_not_taken_for_negative(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", numbered(["1", "0", "-1"]), ["text", "label"])
    settings = LabelledData(path=str(path)).model_copy(update={"labels": SENTIMENT.label_names})
    with pytest.raises(DataError, match=r'a.csv, row 4: the label "-1" stands beside "0".*task = "classify"'):
        build_labelled(settings, 0, tmp_path, Silent())
