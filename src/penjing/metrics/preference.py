"""Scores of preferences: how often the preferred answer is rated above the other, and how far both have moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.metrics.interval import Score, bootstrap, paired_difference, weighted_mean
from penjing.metrics.minimal_pairs import pair_outcomes

Floats = NDArray[np.float64]


def preference_outcomes(margins: ArrayLike) -> Floats:
    """Returns 1 where a margin is above 0, 0 where it is below, and one half for a tie, [pairs].

    >>> preference_outcomes([0.3, -1.0, 0.0]).tolist()
    [1.0, 0.0, 0.5]
    """
    return pair_outcomes(margins, np.zeros(np.shape(margins)))


def mean_score(values: ArrayLike, resamples: int, seed: int) -> Score:
    """Returns the mean over pairs, with its percentile bootstrap interval."""
    return bootstrap(weighted_mean, [np.asarray(values, dtype=np.float64)], resamples, seed)


def preference_accuracy(margins: ArrayLike, resamples: int, seed: int) -> Score:
    """Returns how often the preferred answer is rated above the other; a tie counts one half.

    Args:
        margins: how far above, [pairs].
        resamples: bootstrap resamples behind the interval.
        seed: of the resamples.
    """
    return mean_score(preference_outcomes(margins), resamples, seed)


def compare_preferences(margins: ArrayLike, other: ArrayLike, resamples: int, seed: int) -> Score:
    """Returns the accuracy by some margins less that by others of the same pairs, [pairs] each, paired by pair."""
    return paired_difference(preference_outcomes(margins), preference_outcomes(other), resamples, seed)
