"""Lengths of batches are few, and hardly longer than the rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penjing.text.batching import round_lengths


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
