"""The cache: what was said is likelier, and what was said last counts most."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.evaluate.reply_cache import Cache, ReadReplies


@given(st.lists(st.integers(0, 30), max_size=200), st.sets(st.integers(0, 30), max_size=10))
def test_probabilities_add_up_to_one_over_the_words_said(said: list[int], marks: set[int]) -> None:
    found = Cache(said, marks).look_up(range(31))
    words = set(said) - marks
    assert found.sum() == pytest.approx(1.0 if words else 0.0)
    assert {token for token in range(31) if found[token]} == words


def test_what_was_said_40_tokens_later_counts_twice() -> None:
    first, last = Cache([1, *[0] * 39, 2], {0}).look_up([1, 2])
    assert last / first == pytest.approx(2.0)


def test_without_a_share_the_model_alone_counts_and_with_all_of_it_what_was_never_said_is_finite() -> None:
    read = ReadReplies(np.log([0.5, 0.25, 0.125]), np.array([0.0, 0.5, 0.25]), np.array([0, 2]))
    assert np.exp(read.add_up(0.0)) == pytest.approx([0.125, 0.125])
    assert np.exp(read.add_up(0.2)) == pytest.approx([0.4 * 0.3, 0.15])
    assert np.isfinite(read.add_up(1.0)).all()
