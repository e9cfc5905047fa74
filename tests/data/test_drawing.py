"""A few rows of each class: seeded, balanced, whatever the batches; and what may be wrong with them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.drawing import FewDrawer
from penjing.data.label_settings import LabelledData
from penjing.data.labelled import build_labelled
from penjing.data.reading import read_split
from penjing.errors import DataError, RecipeError
from penjing.progress import Silent

CLASSES = st.lists(st.integers(0, 3), min_size=1, max_size=60)


def draw(classes: list[int], per_class: int, seed: int, batch: int = 1000) -> list[int]:
    drawer, numbers = FewDrawer(per_class, seed), np.array(classes, dtype=np.int32)
    for start in range(0, len(classes), batch):
        rows = np.arange(start, min(start + batch, len(classes)))
        drawer.add(numbers[rows], rows)
    assert drawer.seen(4) == [classes.count(number) for number in range(4)]
    return drawer.drawn().tolist()


@given(CLASSES, st.integers(1, 8), st.integers(0, 99), st.integers(1, 20))
def test_a_draw_is_balanced_does_not_depend_on_batches_and_holds_every_smaller_draw(
    classes: list[int], per_class: int, seed: int, batch: int
) -> None:
    drawn = draw(classes, per_class, seed)
    assert drawn == draw(classes, per_class, seed, batch)
    assert Counter(classes[row] for row in drawn) == {
        number: min(count, per_class) for number, count in Counter(classes).items()
    }
    assert set(draw(classes, per_class - 1, seed) if per_class > 1 else []) <= set(drawn)


def test_every_row_is_drawn_equally_often() -> None:
    times = Counter(row for seed in range(2000) for row in draw([0] * 10, 3, seed))
    assert max(abs(times[row] - 600) for row in range(10)) < 5 * (2000 * 0.3 * 0.7) ** 0.5


def write(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def reviews(count: int, name: str = "review") -> list[tuple[str, str]]:
    return [(f"{name} number {n}", "pos" if n % 3 else "neg") for n in range(count)]


def build(path: Path, out: Path, seed: int = 0, **values: Any) -> dict[str, Any]:
    out.mkdir(parents=True)
    return build_labelled(LabelledData.model_validate({"path": str(path), **values}), seed, out, Silent())


def test_few_rows_are_drawn_for_training_and_none_for_validation(tmp_path: Path) -> None:
    path = write(tmp_path / "reviews.csv", reviews(300))
    counts = build(path, tmp_path / "out", per_class=5)
    assert {split: entry["labels"] for split, entry in counts["splits"].items()} == {
        "train": {"neg": 5, "pos": 5},
        "validation": {"neg": 0, "pos": 0},
        "test": {"neg": 11, "pos": 22},
    }
    assert counts["drawn"] == {"per_class": 5, "seed": 0, "of": {"neg": 89, "pos": 178}}
    train, test = (read_split(tmp_path / "out", split) for split in ("train", "test"))
    assert not set(train.texts) & set(test.texts)
    build(path, tmp_path / "again", per_class=5)
    build(path, tmp_path / "other", seed=1, per_class=5)
    assert read_split(tmp_path / "again", "train") == train
    assert read_split(tmp_path / "other", "train") != train


def test_rows_that_are_measured_on_are_never_drawn(tmp_path: Path) -> None:
    rows = reviews(12)
    write(tmp_path / "d" / "train.csv", rows)
    write(tmp_path / "d" / "test.csv", [(text.upper(), label) for text, label in rows[:6]])
    counts = build(tmp_path / "d", tmp_path / "out", per_class=2)
    assert counts["drawn"]["of"] == {"neg": 2, "pos": 4}
    assert counts["overlap"]["train"] == 6
    assert set(read_split(tmp_path / "out", "train").texts) <= {text for text, _ in rows[6:]}


def test_validation_rows_are_left_alone_unless_they_are_named(tmp_path: Path) -> None:
    for split, count in (("train", 60), ("dev", 30), ("test", 30)):
        write(tmp_path / "d" / f"{split}.csv", reviews(count, split))
    left = build(tmp_path / "d", tmp_path / "out", per_class=4)
    assert left["splits"]["validation"]["rows"] == 0
    assert "validation" not in left["files"]
    assert left["read"] == 90
    dev = str(tmp_path / "d" / "dev.csv")
    assert build(tmp_path / "d", tmp_path / "named", per_class=4, validation=dev)["splits"]["validation"]["rows"] == 30


def test_all_rows_may_be_without_validation_too(tmp_path: Path) -> None:
    path = write(tmp_path / "reviews.csv", reviews(30))
    counts = build(path, tmp_path / "out", split={"train": 0.8, "validation": 0, "test": 0.2})
    assert {split: entry["rows"] for split, entry in counts["splits"].items()} == {
        "train": 24,
        "validation": 0,
        "test": 6,
    }


def test_described_labels_stand_beside_the_draw_and_can_be_removed(tmp_path: Path) -> None:
    from penjing.data.keys import text_ids

    path = write(tmp_path / "reviews.csv", reviews(60))
    described = {"pos": ["It was great.", "Good"], "neg": ["It was bad."]}
    counts = build(path, tmp_path / "out", per_class=3, described=described)
    assert counts["described"] == {"pos": 2, "neg": 1}
    assert counts["splits"]["train"]["labels"] == {"neg": 4, "pos": 5}
    train = read_split(tmp_path / "out", "train")
    assert dict(zip(train.texts, train.labels, strict=True))["It was bad."] == "neg"
    less = build(path, tmp_path / "less", per_class=3, described=described, removed=text_ids(["Good"]))
    assert less["splits"]["train"]["labels"] == {"neg": 4, "pos": 4}


@pytest.mark.parametrize(
    ("rows", "values", "error", "words"),
    [
        (
            reviews(12),
            {"per_class": 9},
            DataError,
            ('per_class is 9, and for training there are 4 rows with the label "neg"', "Lower per_class under [data]"),
        ),
        ([*reviews(20), ("one", "odd")], {"per_class": 2}, DataError, ("1 row", '"odd"')),
        (
            [*reviews(20), ("more", "POS")],
            {},
            DataError,
            ('reviews.csv, row 22: the label "POS" differs from "pos" only in case or spaces',),
        ),
        ([("a", "so  so"), ("b", "so so")], {}, DataError, ('the label "so so" differs from "so  so"',)),
        (reviews(30), {"described": {"psitive": ["Great."], "neg": ["Bad."]}}, RecipeError, ('a label "psitive"',)),
    ],
)
def test_rows_that_will_not_do_are_refused(
    rows: list[tuple[str, str]], values: dict[str, Any], error: type[Exception], words: tuple[str, ...], tmp_path: Path
) -> None:
    path = write(tmp_path / "reviews.csv", rows)
    with pytest.raises(error) as caught:
        build(path, tmp_path / "out", **values)
    for word in words:
        assert word in str(caught.value)


def test_labels_that_are_named_may_differ_in_case_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "units.csv", [(f"{n} of them", "Mb" if n % 2 else "MB") for n in range(40)])
    assert build(path, tmp_path / "out", labels=["Mb", "MB"])["labels"] == ["Mb", "MB"]


@pytest.mark.parametrize("described", [{"pos": []}, {"pos": [" "]}, {"pos": ["a"], "neg": ["a"]}])
def test_descriptions_that_say_nothing_are_refused(described: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="described"):
        LabelledData.model_validate({"path": "a.csv", "described": described})
