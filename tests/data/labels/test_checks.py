"""Each check finds what was put there, and nothing where nothing is."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penjing.data.labels.balance import weigh_labels
from penjing.data.labels.checking import CheckedLabels, check_labels
from penjing.data.labels.finding import Finding
from penjing.data.labels.label_errors import doubt_labels, find_label_errors
from penjing.data.labels.leakage import find_same_text
from penjing.data.labels.model import FOLDS, draw_folds
from penjing.data.labels.repeats import find_repeats
from penjing.data.labels.schema import describe_columns
from penjing.data.labels.table import WHOLE, LabelTable, TableRules, read_table, split_files
from penjing.data.labels.times import parse_time
from penjing.data.scripts import SPACELESS
from penjing.data.sources import Layout
from penjing.errors import DataError, MissingExtraError, RecipeError
from penjing.metrics import language
from penjing.progress import Silent

Row = Mapping[str, Any]


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def table_of(folder: Path, splits: Mapping[str, Sequence[Row]], **rules: Any) -> LabelTable:
    names = {"train": "train.csv", "validation": "dev.csv", "test": "test.csv", WHOLE: "rows.csv"}
    files = {split: [write_csv(folder / names[split], rows)] for split, rows in splits.items()}
    return read_table(files, TableRules(**rules), Silent())


def rows_of(count: int, seed: int = 0, length: int = 12) -> list[Row]:
    """Returns rows of two labels that one word tells apart, no two alike."""
    draw = random.Random(seed)
    words = {"good": ["lovely", "warm", "精彩"], "bad": ["dull", "gray", "无聊"]}
    rows = []
    for number in range(count):
        label = ("good", "bad")[number % 2]
        rest = " ".join(draw.choices([f"word{n}" for n in range(60)], k=length))
        rows.append({"text": f"{draw.choice(words[label])} {rest} {seed}x{number}", "label": label})
    return rows


def find(checked: CheckedLabels, check: str) -> Finding:
    return next(finding for finding in checked.findings if finding.check == check)


def places(finding: Finding) -> list[list[tuple[str, int]]]:
    return [[(row.file, row.row) for row in case.rows] for case in finding.cases]


def test_clean_rows_have_no_findings(tmp_path: Path) -> None:
    pytest.importorskip("daft")
    pytest.importorskip("cleanlab")
    table = table_of(tmp_path, {"train": rows_of(80), "test": rows_of(20, seed=1)})
    checked = check_labels(table, Silent())
    assert {finding.check: finding.found for finding in checked.findings} == dict.fromkeys(
        ("missing", "spellings", "conflicts", "repeats", "same_text", "near_text", "label_errors"), 0
    )
    assert checked.splits == {"train": 80, "test": 20}


def test_rows_without_text_or_label_are_counted_apart(tmp_path: Path) -> None:
    rows = [
        {"text": "a", "label": "x"},
        {"text": " ", "label": "x"},
        {"text": "b", "label": ""},
        {"text": "", "label": ""},
    ]
    finding = find(check_labels(table_of(tmp_path, {WHOLE: rows}), Silent()), "missing")
    assert finding.counts == {"rows": 3, "no_text": 2, "no_label": 2}
    assert places(finding) == [[("rows.csv", 3)], [("rows.csv", 4)], [("rows.csv", 5)]]


def test_spellings_of_one_label_are_brought_together(tmp_path: Path) -> None:
    labels = ["positive", "Positive ", "ｐositive", "negative", "negative", "neutral"]
    rows = [{"text": f"text {n}", "label": label} for n, label in enumerate(labels)]
    finding = find(check_labels(table_of(tmp_path, {WHOLE: rows}), Silent()), "spellings")
    assert finding.counts == {"labels": 1}
    assert finding.cases[0].values == {"spellings": '"positive" (1), "Positive " (1), "ｐositive" (1)'}


def test_conflicts_and_repeats_are_told_apart(tmp_path: Path) -> None:
    texts = [("So good!", "x"), ("so good", "y"), ("again", "x"), ("again", "x"), ("again", "x"), ("Again", "x")]
    table = table_of(tmp_path, {WHOLE: [{"text": text, "label": label} for text, label in texts]})
    checked = check_labels(table, Silent())
    assert find(checked, "conflicts").counts == {"texts": 1, "rows": 2}
    assert places(find(checked, "conflicts")) == [[("rows.csv", 2), ("rows.csv", 3)]]
    assert find(checked, "repeats").counts == {"rows": 2, "texts": 1}  # to the letter: "Again" is not one


def test_balance_counts_every_label_in_every_split(tmp_path: Path) -> None:
    train = [{"text": f"t{n}", "label": "ab"[n % 4 == 0]} for n in range(8)]
    balance = weigh_labels(table_of(tmp_path, {"train": train, "test": [{"text": "z", "label": "a"}]}))
    assert [(count.label, count.rows, count.splits) for count in balance.labels] == [
        ("a", 7, {"train": 6, "test": 1}),
        ("b", 2, {"train": 2, "test": 0}),
    ]
    assert balance.ratio == 3.5
    assert sum(count.share for count in balance.labels) == pytest.approx(1)


def test_what_leaks_from_training_is_found_whatever_its_form(tmp_path: Path) -> None:
    pytest.importorskip("daft")
    train, test = rows_of(40), rows_of(10, seed=1)
    words = train[3]["text"].split()
    test[0] = {**test[0], "text": train[5]["text"].upper() + "!"}
    test[1] = {**test[1], "text": " ".join([*words, "end"])}
    checked = check_labels(table_of(tmp_path, {"train": train, "test": test}), Silent())
    assert find(checked, "same_text").counts == {"rows": 1, "test": 1}
    assert places(find(checked, "same_text")) == [[("test.csv", 2), ("train.csv", 7)]]
    near = find(checked, "near_text")
    assert places(near) == [[("test.csv", 3), ("train.csv", 5)]]
    runs = len(words) - 4
    assert near.cases[0].values["similarity"] == pytest.approx(runs / (runs + 1))


def test_groups_and_times_on_both_sides_are_found(tmp_path: Path) -> None:
    train = [{**row, "who": f"p{n % 5}", "day": f"2026-01-{n + 1:02}"} for n, row in enumerate(rows_of(20))]
    test = [
        {**row, "who": f"p{n + 3}", "day": day}
        for n, (row, day) in enumerate(
            zip(rows_of(4, seed=1), ("2026/1/19", "2026-01-21T08:00:00Z", "", "1767225600"), strict=True)
        )
    ]  # the last: 1 January
    checked = check_labels(table_of(tmp_path, {"train": train, "test": test}, group="who", time="day"), Silent())
    assert find(checked, "same_group").counts == {"rows": 2, "groups": 2}
    assert [case.values for case in find(checked, "same_group").cases] == [{"group": "p3"}, {"group": "p4"}]
    assert find(checked, "same_time").counts == {"rows": 2, "of": 3}
    assert places(find(checked, "same_time")) == [[("test.csv", 5)], [("test.csv", 2)]]


def test_a_column_that_holds_no_times_is_refused_by_its_row(tmp_path: Path) -> None:
    rows = [{**row, "day": "2026-01-01"} for row in rows_of(6)]
    rows[4]["day"] = "soon"
    table = table_of(tmp_path, {"train": rows, "test": rows}, time="day")
    with pytest.raises(DataError, match=r'train.csv, row 6: "soon" is no time\. Write times as'):
        check_labels(table, Silent())


def test_planted_label_errors_come_first(tmp_path: Path) -> None:
    pytest.importorskip("cleanlab")
    rows, planted = rows_of(300, length=3), (20, 55, 101, 160, 207, 292)
    for row in planted:
        rows[row] = {**rows[row], "label": {"good": "bad", "bad": "good"}[rows[row]["label"]]}
    finding = find_label_errors(table_of(tmp_path, {WHOLE: rows}), Silent())
    found = [case.rows[0].row - 2 for case in finding.cases]
    assert len(found) >= 4  # suspected is where the model is surer of another label than on average: not all of them
    assert set(found) <= set(planted)
    given = [float(case.values["given"]) for case in finding.cases]
    assert given == sorted(given)
    for case in finding.cases:
        assert case.values["likely"] != case.rows[0].label


def test_doubts_do_not_depend_on_the_order_of_rows() -> None:
    pytest.importorskip("cleanlab")
    rows = rows_of(300, length=1)
    texts, classes = [row["text"] for row in rows], np.array([int(row["label"] == "good") for row in rows])
    classes[7] = 1 - classes[7]
    order = np.random.default_rng(0).permutation(len(rows))
    ours, theirs = doubt_labels(texts, classes, 2), doubt_labels([texts[i] for i in order], classes[order], 2)
    assert ours is not None
    assert theirs is not None
    assert 7 in ours.suspects
    assert order[theirs.suspects].tolist() == ours.suspects.tolist()
    np.testing.assert_allclose(theirs.probabilities, ours.probabilities[order], atol=1e-4)


def test_texts_that_differ_in_form_only_share_a_fold() -> None:
    texts = [f"text number {n}" for n in range(50)] + [f"Text, number {n}!" for n in range(50)]
    folds = draw_folds(texts, np.array([n % 2 for n in range(100)]))
    assert (folds[:50] == folds[50:]).all()
    assert np.bincount(folds).tolist() == [20] * FOLDS


@pytest.mark.parametrize(
    ("labels", "skipped"), [(["a"] * 20, "few_rows"), (["a", "b"], "few_rows"), (["a"] * 20 + ["b"] * 4, "few_rows")]
)
def test_too_few_rows_are_not_judged(tmp_path: Path, labels: list[str], skipped: str) -> None:
    pytest.importorskip("cleanlab")
    rows = [{"text": f"text {n}", "label": label} for n, label in enumerate(labels)]
    finding = find_label_errors(table_of(tmp_path, {WHOLE: rows}), Silent())
    assert (finding.skipped, finding.details) == (skipped, {"fewest": FOLDS})


def test_without_a_package_the_other_checks_are_still_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("leakage", "label_errors"):
        monkeypatch.setattr(f"penjing.data.labels.{module}.find_spec", lambda name: None)
    checked = check_labels(table_of(tmp_path, {"train": rows_of(20), "test": rows_of(4)}), Silent())
    assert {f.check: f.skipped for f in checked.findings if f.skipped} == {
        "near_text": "no_daft",
        "label_errors": "no_cleanlab",
    }
    assert find(checked, "same_text").skipped == ""
    with pytest.raises(MissingExtraError, match=r"penjing\[labels\]"):
        doubt_labels(["a"], np.array([0]), 2)


def test_columns_are_described_and_none_is_chosen(tmp_path: Path) -> None:
    rows = [
        {
            "n": n,
            "share": n / 3,
            "day": "2026-01-02",
            "review": f"a long enough text {n}",
            "kind": "xy"[n % 2],
            "no": "",
        }
        for n in range(8)
    ]
    columns = {column.name: column for column in describe_columns([write_csv(tmp_path / "rows.csv", rows)], Layout())}
    assert {name: (column.kind, column.empty, column.distinct) for name, column in columns.items()} == {
        "n": ("whole number", 0, 8),
        "share": ("number", 0, 8),
        "day": ("time", 0, 1),
        "review": ("text", 0, 8),
        "kind": ("text", 0, 2),
        "no": ("empty", 8, 0),
    }
    assert [(c.name, c.looks_like) for c in columns.values() if c.looks_like] == [("review", "text"), ("kind", "label")]
    with pytest.raises(RecipeError, match=r'no column "text".* "review" looks like the text \(--text review\) and'):
        read_table({WHOLE: [tmp_path / "rows.csv"]}, TableRules(), Silent())


def test_every_kind_of_file_tells_its_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "label": [True]}), tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_text('{"text": "a", "label": null}\n{"text": "b", "label": [1]}\n', encoding="utf-8")
    (tmp_path / "c.txt").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "d.tsv").write_text("a text\t1\n", encoding="utf-8")
    described = {
        name: [(c.name, c.kind) for c in describe_columns([tmp_path / name], Layout(columns))]
        for name, columns in (("a.parquet", None), ("b.jsonl", None), ("c.txt", None), ("d.tsv", ("text", "label")))
    }
    assert described == {
        "a.parquet": [("text", "text"), ("label", "truth value")],
        "b.jsonl": [("text", "text"), ("label", "nested")],
        "c.txt": [("text", "text")],
        "d.tsv": [("text", "text"), ("label", "whole number")],
    }


def test_real_splits_of_sst2_hold_what_was_found_in_them(shared_data: Path) -> None:
    table = read_table(split_files(str(shared_data / "sst2")), TableRules(layout=Layout(("text", "label"))), Silent())
    assert len(table) == 9613
    assert find_same_text(table, Silent()).counts == {"rows": 3, "validation": 1, "test": 2}
    assert find_repeats(table, Silent()).counts == {"rows": 9, "texts": 9}


@pytest.mark.parametrize("value", ["", "12", "2026-13-01", "2026-01-01x", "yesterday", "1.5e9"])
def test_what_names_no_moment_is_no_time(value: str) -> None:
    assert parse_time(value) is None


def test_seconds_and_milliseconds_name_the_same_moment() -> None:
    assert parse_time("1767225600") == parse_time("1767225600000") == parse_time("2026-01-01T01:00:00+01:00")


def test_scripts_without_spaces_are_the_same_for_terms_and_scores() -> None:
    assert SPACELESS == language.SPACELESS


def test_with_a_separator_each_label_of_a_row_counts(tmp_path: Path) -> None:
    cells = ["film|plot", "plot | film", "Film", "music", "", "film"]
    rows = [{"text": f"a text about {place}", "labels": cell} for place, cell in enumerate(cells)]
    rows[1]["text"] = "A text about 0!"  # the same labels in another order are no conflict
    rows[5]["text"] = "a text about 3"
    table = table_of(tmp_path, {WHOLE: rows}, label="labels", separator="|")
    balance = {count.label: (count.rows, count.share) for count in weigh_labels(table).labels}
    assert balance == {"film": (3, 0.6), "plot": (2, 0.4), "Film": (1, 0.2), "music": (1, 0.2)}
    found = {finding.check: finding for finding in check_labels(table, Silent()).findings}
    assert [case.values["spellings"] for case in found["spellings"].cases] == ['"film" (3), "Film" (1)']
    assert found["conflicts"].counts == {"texts": 1, "rows": 2}
    assert found["label_errors"].skipped == "several_labels"


def test_cells_of_several_labels_are_noticed_and_taken_for_one_each(tmp_path: Path) -> None:
    rows = [{"text": f"a text about {n}", "label": ("film", "plot|film", "plot")[n % 3]} for n in range(12)]
    checked = check_labels(table_of(tmp_path, {WHOLE: rows}), Silent())
    assert checked.separator == "|"
    assert len(checked.balance.labels) == 3


def test_events_hold_nothing_that_could_have_a_label(shared_data: Path, tmp_path: Path) -> None:
    events = shared_data / "ml-100k" / "ml-100k.inter"
    for text in ("text", "item_id:token"):
        with pytest.raises(DataError, match="these are events of users with items") as caught:
            read_table({WHOLE: [events]}, TableRules(text=text, label=None), Silent())
        assert "penjing new recommend" in str(caught.value)
    rows = [{"user": n, "item": n, "time": n, "review": f"a long enough text, number {n}"} for n in range(9)]
    assert len(table_of(tmp_path, {WHOLE: rows}, text="review", label=None)) == 9
