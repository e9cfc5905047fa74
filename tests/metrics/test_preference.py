"""Preference accuracy: a tie is one half, and intervals are over prompts, whose pairs hang together."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.metrics.interval import bootstrap, paired_difference, weighted_mean
from penjing.metrics.preference import compare_preferences, preference_accuracy, preference_outcomes


def test_where_each_prompt_comes_once_the_interval_is_over_pairs() -> None:
    rng = np.random.default_rng(0)
    margins, other = rng.normal(0.5, 1, (2, 200))
    outcomes = preference_outcomes(margins)
    assert preference_accuracy(margins, np.arange(200), 300, 1) == bootstrap(weighted_mean, [outcomes], 300, 1)
    expected = paired_difference(outcomes, preference_outcomes(other), 300, 1)
    assert compare_preferences(margins, other, np.arange(200), 300, 1) == expected


def test_pairs_of_one_prompt_say_less_than_pairs_of_many() -> None:
    margins = np.repeat(np.random.default_rng(0).normal(0.2, 1, 30), 10)
    together = preference_accuracy(margins, np.repeat(np.arange(30), 10), 500, 0)
    apart = preference_accuracy(margins, np.arange(300), 500, 0)
    assert together.value == pytest.approx(apart.value)
    assert together.high - together.low > 2 * (apart.high - apart.low)


@pytest.mark.parametrize(("margin", "value"), [(1.0, 1.0), (-1.0, 0.0)])
def test_all_right_and_all_wrong_are_no_certainty(margin: float, value: float) -> None:
    few = preference_accuracy(np.full(12, margin), np.arange(12), 100, 0)
    assert few.value == value
    assert few.low <= few.value <= few.high
    assert 0.2 < few.high - few.low < 0.3
    of_one = preference_accuracy(np.full(12, margin), np.zeros(12), 100, 0)
    assert of_one.high - of_one.low > 0.7


def test_few_prompts_are_never_more_than_chance_however_many_pairs_they_have() -> None:
    gap = compare_preferences(np.ones(60), -np.ones(60), np.arange(60) % 5, 200, 0)
    assert (gap.value, gap.low) == (1.0, 0.0)
