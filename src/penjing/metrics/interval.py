"""Confidence intervals: the percentile bootstrap over rows, and Wilson's interval for a proportion.

A statistic is computed from the weights of the rows, for many resamples at once: ``statistic(weights, *arrays)`` takes
weights [resamples, rows] (how often each row was drawn) and returns one value a resample, [resamples], or several,
[resamples, values]. So a row is looked at once, and a resample costs a few sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.errors import DataError, UsageError

Floats = NDArray[np.float64]
Statistic = Callable[..., Floats]

_WEIGHTS_AT_ONCE = 2_000_000
FEWEST_DIFFERING = 6  # of five rows, all for one side, a sign test says p = 2 · 2⁻⁵ = 0.06
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Score:
    """A value with its confidence interval.

    Attributes:
        value: computed on the rows as they are.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Returns JSON values."""
        return asdict(self)


def bootstrap(
    statistic: Statistic,
    arrays: Sequence[NDArray[Any]],
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Score:
    """Measures a statistic with its percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13).

    Args:
        statistic: weights [resamples, rows] and the arrays → values [resamples].
        arrays: what the statistic is computed from, each [rows, …].
        resamples: how many times the rows are drawn again, with replacement.
        seed: of the draws; the same seed gives the same interval.
        confidence: of the interval.

    With one row, or rows that are all alike, every resample is the same and the interval is the value.

    Raises:
        DataError: there are no rows, or the arrays have different lengths.
        UsageError: ``resamples`` or ``confidence`` is out of range.

    >>> bootstrap(lambda weights, x: weights @ x / weights.sum(axis=1), [np.array([1.0, 1.0])])
    Score(value=1.0, low=1.0, high=1.0)
    """
    return bootstrap_many(lambda *given: statistic(*given)[:, None], arrays, resamples, seed, confidence)[0]


def bootstrap_many(
    statistic: Statistic,
    arrays: Sequence[NDArray[Any]],
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> list[Score]:
    """Measures several statistics on the same resamples; as `bootstrap`, but ``statistic`` returns [resamples, values].

    A value that is not defined in some resample (NaN: a rare label was not drawn) does not count there; one that is
    not defined on the rows as they are is NaN. Where resampling shifts a statistic to one side, as it does with
    calibration errors, the interval is extended to the value.
    """
    rows = _count_rows(arrays)
    if resamples < 1:
        raise UsageError(f"resamples is {resamples}", do="Give 1 or more; 1,000 are usual.")
    if not 0.0 < confidence < 1.0:
        raise UsageError(f"the confidence is {confidence}", do="Give a value between 0 and 1, such as 0.95.")
    values = np.asarray(statistic(np.ones((1, rows)), *arrays), dtype=np.float64)[0]
    drawn = np.concatenate([statistic(weights, *arrays) for weights in draw_weights(rows, resamples, seed)])
    tail = (1.0 - confidence) / 2.0
    return [_score(float(value), column, tail) for value, column in zip(values, drawn.T, strict=True)]


def draw_weights(rows: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yields how often each row is drawn in each resample, [some resamples, rows], a few million weights at a time."""
    generator = np.random.default_rng(seed)
    step = max(1, _WEIGHTS_AT_ONCE // rows)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = generator.integers(0, rows, size=(count, rows)) + np.arange(count)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype(np.float64)


def paired_difference(
    correct_a: ArrayLike, correct_b: ArrayLike, resamples: int = 1000, seed: int = 0, confidence: float = 0.95
) -> Score:
    """Compares two models on the same rows: the accuracy of the first less that of the second.

    Drawing rows, not answers, keeps the pairs together, so that what is hard for both does not blur the difference
    (Efron & Tibshirani 1993, chapter 8). Where the models disagree on fewer than six rows, zero is always in the
    interval, for not even all of them on one side would be more than chance (sign test at 5%).

    Args:
        correct_a: whether the first model is right, [rows].
        correct_b: whether the second is right, [rows].
        resamples: how many times the rows are drawn again.
        seed: of the draws.
        confidence: of the interval.

    Raises:
        DataError: there are no rows, or the arrays have different lengths.
    """
    a, b = np.asarray(correct_a, dtype=np.float64), np.asarray(correct_b, dtype=np.float64)
    _count_rows([a, b])
    score = bootstrap(weighted_mean, [a - b], resamples, seed, confidence)
    return include_zero(score, int(np.count_nonzero(a != b)))


def include_zero(difference: Score, differing: int) -> Score:
    """Returns a paired difference, its interval extended to zero where the two differ in fewer than six units.

    Args:
        difference: with its interval.
        differing: in how many of the units that were drawn the two differ: rows, or documents whose rows hang together.
    """
    if differing >= FEWEST_DIFFERING:
        return difference
    return Score(difference.value, min(difference.low, 0.0), max(difference.high, 0.0))


def count_differing(gaps: ArrayLike) -> int:
    """Returns how many of the gaps between two are more than rounding; one that is not defined is none.

    >>> count_differing([0.5, 0.0, 0.1 + 0.2 - 0.3])
    1
    """
    return int(np.count_nonzero(np.abs(np.asarray(gaps, dtype=np.float64)) > _ROUNDING))


def proportion(score: Score, successes: float, trials: int) -> Score:
    """Returns a share with Wilson's interval where none or all of the trials are successes, else as it is.

    A bootstrap has no width there, and would say that nothing is uncertain.

    Args:
        score: the share with its bootstrap interval.
        successes: how many there are; a tie may count one half.
        trials: of how many of the units that were drawn; with 0 the value is 0.
    """
    if 0 < successes < trials:
        return score
    low, high = wilson_interval(successes, trials)
    return Score(float(successes / max(1, trials)), float(low), float(high))


def weighted_mean(weights: Floats, values: Floats) -> Floats:
    """Returns the mean of values [rows] under weights [resamples, rows], as [resamples]."""
    return np.asarray(weights @ values / weights.sum(axis=1), dtype=np.float64)


def cluster_mean(values: ArrayLike, clusters: ArrayLike, resamples: int, seed: int) -> Score:
    """Returns the mean of values, with its bootstrap interval over clusters of what hangs together.

    Args:
        values: [rows].
        clusters: the number of the dialogue, prompt … of each, [rows].
        resamples: how many times clusters are drawn again.
        seed: of the draws.
    """
    return bootstrap(_ratio, _by_cluster(values, clusters), resamples, seed)


def cluster_share(values: ArrayLike, clusters: ArrayLike, resamples: int, seed: int) -> Score:
    """Returns what `cluster_mean` does of values from 0 to 1, with Wilson's interval where all are 0, or all 1.

    Its trials are the clusters, for rows of one hang together.
    """
    score, trials = cluster_mean(values, clusters, resamples, seed), len(np.unique(np.asarray(clusters)))
    return proportion(score, score.value * trials, trials)


def cluster_difference(gaps: ArrayLike, clusters: ArrayLike, resamples: int, seed: int) -> Score:
    """Returns what `cluster_mean` does of gaps between two; zero is in it where fewer than six clusters differ."""
    sums, _ = _by_cluster(gaps, clusters)
    return include_zero(cluster_mean(gaps, clusters, resamples, seed), count_differing(sums))


def _by_cluster(values: ArrayLike, clusters: ArrayLike) -> list[Floats]:
    """Returns the sum of values and the number of rows of each cluster that has any."""
    given = np.asarray(values, dtype=np.float64)
    _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
    return [np.bincount(numbers, weights=counted).astype(np.float64) for counted in (given, np.ones(len(given)))]


def _ratio(weights: Floats, sums: Floats, counts: Floats) -> Floats:
    return np.asarray((weights @ sums) / (weights @ counts), dtype=np.float64)


def mean_of_defined(values: Floats) -> Floats:
    """Returns the mean over the last axis without its NaNs; NaN where nothing else is there."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=-1)
    totals = np.where(defined, values, 0.0).sum(axis=-1)
    return np.asarray(np.where(count > 0, totals / np.maximum(count, 1), np.nan), dtype=np.float64)


def wilson_interval(successes: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Returns the ends of the score interval of a proportion (Wilson 1927; Brown, Cai & DasGupta 2001).

    It holds for few trials, and for none or all of them successes, where a bootstrap has no width.

    Args:
        successes: how many, of any shape.
        trials: out of how many, of the same shape; with 0 the interval is 0 to 1.
        confidence: of the interval.
    """
    hits, total = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    counted = np.maximum(total, 1.0)
    share = hits / counted
    middle = (share + z**2 / (2.0 * counted)) / (1.0 + z**2 / counted)
    half = z / (1.0 + z**2 / counted) * np.sqrt(share * (1.0 - share) / counted + z**2 / (4.0 * counted**2))
    low = np.where((total == 0) | (hits == 0), 0.0, middle - half)
    high = np.where((total == 0) | (hits == total), 1.0, middle + half)
    return low, high


def jackknife(value: float, without: ArrayLike, confidence: float = 0.95) -> Score:
    """Returns a statistic with the normal interval of its jackknife standard error (Efron & Tibshirani 1993, ch. 11).

    For statistics that count different things, such as n-grams: a row that a bootstrap draws twice adds none.

    Args:
        value: of all rows.
        without: the statistic without each row, [rows]; one row has no interval, and its ends are the value.
        confidence: of the interval.
    """
    left = np.asarray(without, dtype=np.float64)
    left = left[np.isfinite(left)]
    rows = len(left)
    if rows < 2 or not np.isfinite(value):
        return Score(value, value, value)
    error = float(np.sqrt((rows - 1) / rows * np.sum((left - left.mean()) ** 2)))
    half = NormalDist().inv_cdf(0.5 + confidence / 2.0) * error
    return Score(value, value - half, value + half)


def _score(value: float, drawn: Floats, tail: float) -> Score:
    defined = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(defined):
        return Score(value, value, value)
    low, high = (float(end) for end in np.quantile(defined, (tail, 1.0 - tail)))
    return Score(value, min(low, value), max(high, value))


def _count_rows(arrays: Sequence[NDArray[Any]]) -> int:
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        raise DataError(
            f"the arrays have {' and '.join(str(length) for length in sorted(lengths))} rows",
            do="Give arrays over the same rows.",
        )
    if not lengths or lengths == {0}:
        raise DataError("there are no rows to measure", do="Give at least one row.")
    return lengths.pop()
