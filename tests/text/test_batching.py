"""Lengths of batches are few, and hardly longer than the rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penjing.text.batching import gather_rows, pad_rows, round_lengths


@given(st.lists(st.integers(1, 5000), min_size=1))
def test_rounded_lengths_hold_their_rows_and_are_no_longer_than_the_longest(lengths: list[int]) -> None:
    asked = np.array(lengths)
    found = round_lengths(asked)
    assert (found >= asked).all()
    assert found.max() == asked.max()
    assert (found <= asked + np.maximum(1, asked / 8)).all()
    assert (np.diff(found[np.argsort(asked, kind="stable")]) >= 0).all()


def test_there_are_eight_lengths_between_a_number_and_its_double() -> None:
    found = round_lengths(np.arange(1, 1025))
    assert len({int(length) for length in found if 128 < length <= 256}) == 8
    assert len(set(found.tolist())) == 56


@given(st.lists(st.lists(st.integers(0, 60_000), max_size=9), min_size=1), st.integers(0, 3), st.data())
def test_gathered_rows_are_padded_rows(texts: list[list[int]], more: int, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1)))
    tokens = np.array([token for text in texts for token in text], dtype=np.uint16)
    offsets = np.cumsum([0, *map(len, texts)])
    chosen = [np.array(texts[row], dtype=np.uint16) for row in rows]
    length = max(map(len, chosen)) + more
    for found, expected in zip(gather_rows(tokens, offsets, rows, 7, length), pad_rows(chosen, 7, length), strict=True):
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
