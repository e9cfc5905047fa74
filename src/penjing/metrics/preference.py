"""Scores of preferences: how often the preferred answer is rated above the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.metrics.interval import Score, cluster_difference, cluster_share
from penjing.metrics.minimal_pairs import pair_outcomes

Floats = NDArray[np.float64]


def preference_outcomes(margins: ArrayLike) -> Floats:
    """Returns 1 where a margin is above 0, 0 where it is below, and one half for a tie, [pairs].

    >>> preference_outcomes([0.3, -1.0, 0.0]).tolist()
    [1.0, 0.0, 0.5]
    """
    return pair_outcomes(margins, np.zeros(np.shape(margins)))


def preference_accuracy(margins: ArrayLike, prompts: ArrayLike, resamples: int, seed: int) -> Score:
    """Returns how often the preferred answer is rated above the other; a tie counts one half.

    Args:
        margins: how far above, [pairs].
        prompts: the number of the prompt of each, [pairs]; the interval is over prompts, whose pairs hang together.
        resamples: bootstrap resamples behind the interval.
        seed: of the resamples.
    """
    return cluster_share(preference_outcomes(margins), prompts, resamples, seed)


def compare_preferences(margins: ArrayLike, other: ArrayLike, prompts: ArrayLike, resamples: int, seed: int) -> Score:
    """Returns the accuracy by some margins less that by others of the same pairs, [pairs] each, paired by pair.

    Where they differ for fewer than six prompts, zero is in the interval (`penjing.metrics.interval.include_zero`).
    """
    return cluster_difference(preference_outcomes(margins) - preference_outcomes(other), prompts, resamples, seed)
