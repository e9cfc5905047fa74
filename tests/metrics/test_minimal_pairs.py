from __future__ import annotations

import numpy as np
import pytest

from penjing.errors import DataError
from penjing.metrics.minimal_pairs import grouped_accuracies, mean_accuracy, pair_outcomes, set_accuracy


def test_tie_counts_one_half() -> None:
    assert pair_outcomes([-1.0, -2.0, -3.0], [-2.0, -2.0, -2.0]).tolist() == [1.0, 0.5, 0.0]
    assert set_accuracy([1.0, 0.5, 0.0, 0.5]).value == 0.5


def test_sets_count_the_same_whatever_their_size() -> None:
    assert mean_accuracy([[1.0] * 99, [0.0]]).value == 0.5


@pytest.mark.parametrize("pairs", [5, 200])
def test_interval_of_a_mean_covers_the_truth_about_as_often_as_it_says(pairs: int) -> None:
    generator, covered, runs = np.random.default_rng(0), 0, 400
    chances = np.linspace(0.3, 0.95, 20)
    for run in range(runs):
        sets = [(generator.random(pairs) < chance).astype(np.float64) for chance in chances]
        score = mean_accuracy(sets, resamples=400, seed=run)
        covered += score.low <= chances.mean() <= score.high
    assert 0.91 <= covered / runs <= 0.985


@pytest.mark.parametrize("pairs", [5, 200])
def test_interval_of_a_mean_is_that_of_the_normal_approximation_on_many_sets(pairs: int) -> None:
    chances = np.random.default_rng(0).uniform(0.2, 0.8, size=200)
    sets = [(np.random.default_rng(number).random(pairs) < chance) * 1.0 for number, chance in enumerate(chances)]
    score = mean_accuracy(sets, resamples=4000)
    half = 1.96 * np.sqrt(sum(outcomes.var(ddof=1) / pairs for outcomes in sets)) / len(sets)
    assert (score.high - score.low) / 2 == pytest.approx(half, rel=0.05)


def test_interval_has_a_width_where_all_outcomes_agree_or_each_set_has_one_pair() -> None:
    perfect = mean_accuracy([np.ones(10)] * 4)
    assert (perfect.value, perfect.high) == (1.0, 1.0)
    assert 0.85 < perfect.low < 0.95  # Wilson's of 40 of 40
    single = mean_accuracy([np.ones(1), np.zeros(1)])
    assert single.low < 0.2 < 0.8 < single.high


def test_sets_without_a_group_are_in_none() -> None:
    sets = {"a": [1.0, 1.0], "b": [0.0, 0.0], "c": [0.0]}
    found = grouped_accuracies(sets, {"a": "x", "b": "x", "c": ""})
    assert {name: score.value for name, score in found.items()} == {"x": 0.5}


def test_no_pairs_are_refused() -> None:
    for measure in (lambda: mean_accuracy([]), lambda: set_accuracy([])):
        with pytest.raises(DataError, match="no pairs to measure"):
            measure()
