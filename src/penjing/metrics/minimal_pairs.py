"""Accuracy on minimal pairs: how often the good sentence is found likelier than the bad one (Warstadt et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.errors import DataError, UsageError
from penjing.metrics.interval import Score, wilson_interval

Floats = NDArray[np.float64]


def pair_outcomes(good: ArrayLike, bad: ArrayLike) -> Floats:
    """Returns 1 where the good sentence of a pair is likelier, 0 where the bad one is, and one half for a tie, [pairs].

    Args:
        good: log-probability of each good sentence, [pairs].
        bad: of each bad one, [pairs].

    >>> pair_outcomes([-3.0, -5.0, -4.0], [-4.0, -4.0, -4.0]).tolist()
    [1.0, 0.0, 0.5]
    """
    above, below = np.asarray(good, dtype=np.float64), np.asarray(bad, dtype=np.float64)
    return np.where(above == below, 0.5, (above > below).astype(np.float64))


def set_accuracy(outcomes: ArrayLike) -> Score:
    """Returns the mean outcome of the pairs of one set, with Wilson's interval."""
    values = np.asarray(outcomes, dtype=np.float64)
    if not len(values):
        raise DataError("there are no pairs to measure", do="Give at least one pair.")
    low, high = wilson_interval(values.sum(), len(values))
    return Score(float(values.mean()), float(low), float(high))


def mean_accuracy(sets: Sequence[ArrayLike], resamples: int = 1000, seed: int = 0) -> Score:
    """Returns the mean of the accuracies of several sets, each counting the same, as BLiMP does.

    The interval is the percentile bootstrap over pairs, drawn again within each set (the sets are what is asked, not a
    sample) and rescaled by n / (n - 1), so that it holds for a few pairs a set (Rao & Wu 1988). Where it has no width,
    or a set has a single pair, Wilson's over all pairs stands in its place.

    Args:
        sets: the outcomes of the pairs of each set.
        resamples: how many times the pairs are drawn again.
        seed: of the draws.
    """
    accuracies = [set_accuracy(outcomes) for outcomes in sets]
    if not accuracies:
        raise DataError("there are no pairs to measure", do="Give at least one pair.")
    if resamples < 1:
        raise UsageError(f"resamples is {resamples}", do="Give 1 or more; 1,000 are usual.")
    if len(accuracies) == 1:
        return accuracies[0]
    value = float(np.mean([accuracy.value for accuracy in accuracies]))
    generator = np.random.default_rng(seed)
    drawn = np.mean([_redraw(np.asarray(outcomes), resamples, generator) for outcomes in sets], axis=0)
    low, high = (float(end) for end in np.clip(np.quantile(drawn, (0.025, 0.975)), 0.0, 1.0))
    if low == high or min(len(np.asarray(outcomes)) for outcomes in sets) < 2:
        pooled = set_accuracy(np.concatenate([np.asarray(outcomes, dtype=np.float64) for outcomes in sets]))
        low, high = pooled.low, pooled.high
    return Score(value, min(low, value), max(high, value))


def _redraw(outcomes: Floats, resamples: int, generator: np.random.Generator) -> Floats:
    """Returns the mean of as many outcomes drawn again, rescaled, [resamples]; an outcome is 0, one half or 1."""
    count = len(outcomes)
    shares = np.array([(outcomes == value).sum() for value in (0.0, 0.5, 1.0)]) / count
    drawn = generator.multinomial(count, shares, size=resamples)  # [resamples, 3]
    means, center = drawn @ np.array([0.0, 0.5, 1.0]) / count, outcomes.mean()
    return np.asarray(center + (means - center) * np.sqrt(count / max(1, count - 1)), dtype=np.float64)


def grouped_accuracies(
    sets: Mapping[str, ArrayLike], group_of: Mapping[str, str], resamples: int = 1000, seed: int = 0
) -> dict[str, Score]:
    """Returns the mean accuracy of the sets of each group; a set without a group is in none.

    Args:
        sets: name of a set → the outcomes of its pairs.
        group_of: name of a set → its group, or an empty text.
        resamples: as `mean_accuracy` takes them.
        seed: likewise.
    """
    names = sorted({group for group in group_of.values() if group})
    return {
        name: mean_accuracy([sets[key] for key in sets if group_of[key] == name], resamples, seed) for name in names
    }
