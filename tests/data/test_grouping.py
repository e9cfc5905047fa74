"""Rows that belong together are drawn into one split, and all others as if there were no groups."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.grouping import count_groups, draw_groups, number_groups
from penjing.data.keys import exact_keys
from penjing.data.splitting import SplitDrawer, split_quotas

SHARES = [Fraction(8, 10), Fraction(1, 10), Fraction(1, 10)]


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=5), max_size=5))
def test_groups_are_numbered_as_they_first_come(batches: list[list[str]]) -> None:
    numbers = number_groups(exact_keys(batch) for batch in batches)
    texts = [text for batch in batches for text in batch]
    first = list(dict.fromkeys(texts))
    assert numbers.tolist() == [first.index(text) for text in texts]
    assert count_groups(numbers) == len(first)


@given(st.integers(1, 200), st.integers(0, 9))
def test_rows_by_themselves_are_drawn_as_without_groups(rows: int, seed: int) -> None:
    drawer = SplitDrawer(split_quotas([rows], SHARES), seed)
    assert draw_groups(np.arange(rows), SHARES, seed).tolist() == [drawer.draw(0) for _ in range(rows)]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=100), st.integers(0, 9))
def test_a_group_is_in_one_split_and_the_same_seed_draws_the_same(keys: list[int], seed: int) -> None:
    numbers = number_groups([exact_keys(map(str, keys))])
    splits = draw_groups(numbers, SHARES, seed)
    assert all(len(set(splits[numbers == group])) == 1 for group in range(count_groups(numbers)))
    assert splits.tolist() == draw_groups(numbers, SHARES, seed).tolist()


@pytest.mark.parametrize("rows", [2, 3, 10])
@pytest.mark.parametrize("is_shuffled", [True, False])
def test_of_groups_each_split_has_its_share(rows: int, is_shuffled: bool) -> None:
    keys = np.repeat(np.arange(200), rows)
    if is_shuffled:
        np.random.default_rng(0).shuffle(keys)
    numbers = number_groups([exact_keys(map(str, keys))])
    splits = draw_groups(numbers, SHARES, 0)
    assert [len(set(numbers[splits == split])) for split in range(3)] == [160, 20, 20]


def test_a_group_that_is_too_large_is_none() -> None:
    keys = exact_keys(["a"] * 5 + ["b"] * 3 + ["c", "d"] * 6)
    assert number_groups([keys], 4).tolist() == [0, 1, 2, 3, 4, 5, 5, 5, *range(6, 18)]
    assert number_groups([keys], 5).tolist() == [0] * 5 + [1] * 3 + [*range(2, 14)]  # a quarter of 20 are 5


def test_a_group_larger_than_what_is_measured_on_is_learned_from() -> None:
    numbers = number_groups([exact_keys(["large"] * 300 + [str(n) for n in range(100)])])
    for seed in range(20):
        splits = draw_groups(numbers, SHARES, seed)
        assert set(splits[:300]) == {0}
        assert [int(np.sum(splits[300:] == split)) for split in (1, 2)] == pytest.approx([10, 10], abs=8)


def test_few_that_come_twice_leave_nearly_all_others_where_they_were() -> None:
    alone = draw_groups(np.arange(500), SHARES, 0)
    twice = np.concatenate([np.arange(495), np.arange(5)])
    assert np.count_nonzero(draw_groups(twice, SHARES, 0)[5:495] != alone[5:495]) == 0


@pytest.mark.parametrize(("large", "of_each", "singles"), [(1, 20, 10), (5, 40, 20), (1, 900, 30), (3, 2, 8)])
def test_every_split_that_has_a_share_of_the_groups_gets_some(large: int, of_each: int, singles: int) -> None:
    numbers = np.concatenate([np.repeat(np.arange(large), of_each), np.arange(large, large + singles)])
    for seed in range(200):
        assert set(draw_groups(numbers, SHARES, seed)) == {0, 1, 2}, seed
