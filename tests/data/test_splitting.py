"""Splits: exact shares, no row in two, the same with the same seed."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.splitting import SplitDrawer, split_quotas

SHARES = [Fraction(8, 10), Fraction(1, 10), Fraction(1, 10)]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.integers(0, 60), st.integers(0, 39))
def test_every_label_has_its_exact_share(rows: list[int], validation: int, test: int) -> None:
    shares = [Fraction(100 - validation - test, 100), Fraction(validation, 100), Fraction(test, 100)]
    for count, quota in zip(rows, split_quotas(rows, shares), strict=True):
        assert sum(quota) == count
        assert min(quota) >= 0
        assert abs(quota[0] - count * shares[0]) <= 1
        assert all(abs(got - count * share) <= Fraction(1, 2) for got, share in zip(quota[1:], shares[1:], strict=True))


def test_half_a_row_goes_to_validation_and_test() -> None:
    assert split_quotas([5, 4, 10, 15], SHARES) == [[3, 1, 1], [4, 0, 0], [8, 1, 1], [11, 2, 2]]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.integers(0, 2**31))
def test_draws_meet_every_quota_and_repeat_with_the_seed(labels: list[int], seed: int) -> None:
    quotas = split_quotas([labels.count(label) for label in range(4)], SHARES)
    drawer = SplitDrawer(quotas, seed)
    drawn = [drawer.draw(label) for label in labels]
    assert Counter(zip(labels, drawn, strict=True)) == Counter(
        {(label, split): n for label, quota in enumerate(quotas) for split, n in enumerate(quota) if n}
    )
    again = SplitDrawer(quotas, seed)
    assert [again.draw(label) for label in labels] == drawn


def test_every_row_is_as_likely_to_be_tested() -> None:
    times: Counter[int] = Counter()
    for seed in range(4000):
        drawer = SplitDrawer([[8, 1, 1]], seed)
        times[[drawer.draw(0) for _ in range(10)].index(2)] += 1
    # Each of ten places is expected 400 times; chi-squared with 9 degrees of freedom is below 27.9 in 99.9% of cases.
    assert sum((times[place] - 400) ** 2 / 400 for place in range(10)) < 27.9


def test_more_rows_than_the_quotas_hold_are_an_error() -> None:
    with pytest.raises(ValueError, match="more rows"):
        SplitDrawer([[0, 0, 0]], 0).draw(0)
