"""Duplicates and keys: what a Python set and dictionary say, whatever the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.data import buckets
from penjing.data.duplicates import Bits, DuplicateFinder
from penjing.data.keys import KeySet, exact_keys, normalize_text, normalized_keys


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), max_size=200), st.integers(1, 50), st.integers(0, 9))
def test_duplicates_are_those_of_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int]], batch: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("buckets")
    finder = DuplicateFinder(folder)
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        finder.add(exact_keys([f"text {n}" for n, _ in part], seed), np.array([tag for _, tag in part], np.int32))
    first: dict[int, int] = {}
    for index, (number, _) in enumerate(rows):
        first.setdefault(number, index)
    every = list(finder.unique())
    assert sorted(row for unique in every for row in unique.rows.tolist()) == sorted(first.values())
    assert sum(unique.duplicates for unique in every) == len(rows) - len(first)
    conflicts = [number for number, tag in rows if tag != rows[first[number]][1]]
    assert sum(unique.conflicts for unique in every) == len(conflicts)
    assert sum(unique.texts_in_conflict for unique in every) == len(set(conflicts))
    assert not list(folder.iterdir())


def test_buckets_are_flushed_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "_BUFFERED_RECORDS", 100)
    finder = DuplicateFinder(tmp_path)
    for _ in range(2):
        for start in range(0, 5000, 50):
            finder.add(exact_keys(str(n) for n in range(start, start + 50)))
    assert list(tmp_path.iterdir())
    rows = np.concatenate([unique.rows for unique in finder.unique()])
    assert sorted(rows.tolist()) == list(range(5000))


@given(st.integers(1, 400), st.data())
def test_bits_are_those_of_a_set(rows: int, data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, rows - 1)))
    start = data.draw(st.integers(0, rows))
    stop = data.draw(st.integers(start, rows))
    bits = Bits(rows)
    bits.set(np.array(sorted(chosen), dtype=np.int64))
    assert bits.slice(start, stop).tolist() == [row in chosen for row in range(start, stop)]
    taken = data.draw(st.sets(st.integers(0, rows - 1)))
    bits.clear(np.array(sorted(taken), dtype=np.int64))
    assert bits.slice(start, stop).tolist() == [row in chosen - taken for row in range(start, stop)]


@given(st.lists(st.lists(st.text(max_size=3)), max_size=4), st.lists(st.text(max_size=3)))
def test_key_set_contains_what_a_set_contains(parts: list[list[str]], asked: list[str]) -> None:
    keys = KeySet(normalized_keys(part) for part in parts)
    known = {normalize_text(text) for part in parts for text in part}
    assert keys.contains(normalized_keys(asked)).tolist() == [normalize_text(text) in known for text in asked]


def test_keys_with_nul_bytes_at_the_end_stay_apart() -> None:
    keys = np.frombuffer(b"a" * 14 + b"\1\0" + b"a" * 14 + b"\1\1", dtype="S16")
    assert KeySet([keys[:1]]).contains(keys).tolist() == [True, False]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A great film!", "a  GREAT, film"),
        ("房间 很大，服务好。", "房间很大服务好"),
        ("ＡＢＣ１２", "abc12"),
        ("Straße", "STRASSE"),
        ("cafe\u0301", "CAFÉ"),
        ("snake_case", "snake case"),
    ],
)
def test_texts_that_differ_only_in_form_are_the_same(one: str, other: str) -> None:
    assert normalize_text(one) == normalize_text(other) != ""


@pytest.mark.parametrize(("one", "other"), [("好", "坏"), ("👍", "👎"), ("!!!", "???"), ("5 stars", "1 stars")])
def test_texts_that_say_something_else_stay_different(one: str, other: str) -> None:
    assert normalize_text(one) != normalize_text(other)


@given(st.text())
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize_text(text)
    assert normalize_text(once) == once
