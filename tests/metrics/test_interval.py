"""Intervals hold what they promise, and are the same every time."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.errors import DataError, UsageError
from penjing.metrics.interval import (
    Score,
    bootstrap,
    draw_weights,
    paired_difference,
    weighted_mean,
    wilson_interval,
)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator, covered, runs = np.random.default_rng(0), 0, 400
    for run in range(runs):
        rows = (generator.random(200) < 0.8).astype(np.float64)
        score = bootstrap(weighted_mean, [rows], resamples=400, seed=run)
        covered += score.low <= 0.8 <= score.high
    assert 0.91 <= covered / runs <= 0.98


def test_interval_of_a_mean_is_that_of_the_normal_approximation_on_many_rows() -> None:
    rows = np.random.default_rng(1).normal(3.0, 2.0, size=5000)
    score = bootstrap(weighted_mean, [rows], resamples=4000)
    half = 1.96 * rows.std() / np.sqrt(len(rows))
    assert score.value == pytest.approx(rows.mean())
    assert score.low == pytest.approx(rows.mean() - half, abs=0.1 * half)
    assert score.high == pytest.approx(rows.mean() + half, abs=0.1 * half)


def test_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    rows = np.random.default_rng(2).random(300)
    assert bootstrap(weighted_mean, [rows], seed=7) == bootstrap(weighted_mean, [rows], seed=7)
    assert bootstrap(weighted_mean, [rows], seed=7) != bootstrap(weighted_mean, [rows], seed=8)


@given(rows=st.integers(1, 50), resamples=st.integers(1, 40), seed=st.integers(0, 2**31))
@settings(max_examples=50)
def test_every_resample_draws_as_many_rows_as_there_are(rows: int, resamples: int, seed: int) -> None:
    weights = np.concatenate(list(draw_weights(rows, resamples, seed)))
    assert weights.shape == (resamples, rows)
    assert (weights.sum(axis=1) == rows).all()


@pytest.mark.parametrize("rows", [np.array([0.3]), np.full(40, 0.3)])
def test_one_row_or_rows_all_alike_give_an_interval_of_no_width(rows: np.ndarray) -> None:
    score = bootstrap(weighted_mean, [rows])
    assert (score.low, score.high) == pytest.approx((0.3, 0.3))


def test_value_is_never_outside_its_interval() -> None:
    def share_of_rows_drawn(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        return (weights > 0).mean(axis=1)

    score = bootstrap(share_of_rows_drawn, [np.arange(50.0)])
    assert score.low < 0.7
    assert score.high == score.value == 1.0


def test_a_resample_in_which_a_statistic_is_not_defined_does_not_count() -> None:
    def mean_of_drawn_ones(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.where(weights[:, 0] > 0, 5.0, np.nan)

    assert bootstrap(mean_of_drawn_ones, [np.zeros(4)]) == Score(5.0, 5.0, 5.0)


def test_no_rows_and_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="no rows"):
        bootstrap(weighted_mean, [np.array([])])
    with pytest.raises(DataError, match="2 and 3 rows"):
        paired_difference([1, 0], [1, 0, 1])


@pytest.mark.parametrize("wrong", [{"resamples": 0}, {"confidence": 1.0}, {"confidence": 0.0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        bootstrap(weighted_mean, [np.ones(3)], **wrong)  # type: ignore[arg-type]


def test_paired_difference_is_narrower_than_an_unpaired_one_where_models_agree() -> None:
    generator = np.random.default_rng(3)
    first = generator.random(1000) < 0.8
    second = np.where(generator.random(1000) < 0.05, ~first, first)
    paired = paired_difference(first, second)
    alone = bootstrap(weighted_mean, [first.astype(np.float64)])
    assert paired.value == pytest.approx(first.mean() - second.mean())
    assert paired.high - paired.low < alone.high - alone.low


def test_swapping_the_models_mirrors_the_difference() -> None:
    generator = np.random.default_rng(4)
    first, second = generator.random(500) < 0.8, generator.random(500) < 0.7
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))


@pytest.mark.parametrize(("disagreements", "is_more_than_chance"), [(3, False), (5, False), (40, True)])
def test_a_handful_of_disagreements_is_never_more_than_chance(disagreements: int, is_more_than_chance: bool) -> None:
    first = np.ones(400)
    second = np.where(np.arange(400) < disagreements, 0.0, 1.0)
    assert (paired_difference(first, second).low > 0) == is_more_than_chance
    assert (paired_difference(first[:disagreements], second[:disagreements]).low > 0) == is_more_than_chance


def test_wilson_interval_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for hits, trials in [(0, 1), (1, 1), (0, 30), (30, 30), (7, 9), (812, 1000)]:
        reference = stats.binomtest(hits, trials).proportion_ci(method="wilson")
        low, high = wilson_interval(hits, trials)
        assert (float(low), float(high)) == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert [float(end) for end in wilson_interval(0, 0)] == [0.0, 1.0]


def test_a_thousand_resamples_of_ten_thousand_rows_take_seconds_at_most() -> None:
    rows = np.random.default_rng(5).random(10_000)
    began = time.perf_counter()
    bootstrap(weighted_mean, [rows])
    assert time.perf_counter() - began < 10.0
