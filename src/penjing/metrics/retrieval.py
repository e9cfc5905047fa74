"""Retrieval accuracy: how often the right reply is rated best among candidates (Lowe et al. 2015, 1506.08909, R@1).

Several candidates may be rated alike, the right one among them: then the question counts as a part of a right answer,
one over how many are, which is what drawing among them would give on average. So nothing has to be drawn.

Questions of one dialogue hang together; an interval is the percentile bootstrap over dialogues.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from penjing.metrics.interval import Floats, Score, bootstrap, count_differing, include_zero

Ints = NDArray[np.int64]


def retrieval_credit(ratings: Sequence[float] | Floats) -> float:
    """Returns what a question counts whose right candidate is the first: 1, 0, or a part where the best are alike.

    >>> retrieval_credit([3.0, 1.0, 2.0]), retrieval_credit([1.0, 2.0]), retrieval_credit([2.0, 2.0, 1.0])
    (1.0, 0.0, 0.5)
    """
    rated = np.asarray(ratings, dtype=np.float64)
    best = rated == rated.max()
    return float(best[0] / best.sum())


def retrieval_accuracy(credits: Floats, dialogues: Ints, resamples: int, seed: int) -> Score:
    """Returns the mean credit of questions with its 95% interval.

    Args:
        credits: of each question, [questions].
        dialogues: the number of the dialogue that each is of, [questions].
        resamples: bootstrap resamples over dialogues.
        seed: of the resamples.
    """
    return bootstrap(_ratio, _by_dialogue(credits, dialogues), resamples, seed)


def retrieval_difference(credits: Floats, others: Floats, dialogues: Ints, resamples: int, seed: int) -> Score:
    """Returns the accuracy of one less that of another on the same questions, with its paired 95% interval.

    Where they differ in fewer than six dialogues, zero is in the interval (`penjing.metrics.interval.include_zero`).
    """
    gaps, questions = _by_dialogue(credits - others, dialogues)
    return include_zero(bootstrap(_ratio, [gaps, questions], resamples, seed), count_differing(gaps))


def _by_dialogue(credits: Floats, dialogues: Ints) -> list[Floats]:
    """Returns the sum of credits and the number of questions of each dialogue that has any."""
    _, numbers = np.unique(dialogues, return_inverse=True)
    return [np.bincount(numbers, weights=counted).astype(np.float64) for counted in (credits, np.ones(len(credits)))]


def _ratio(weights: Floats, credits: Floats, questions: Floats) -> Floats:
    return np.asarray((weights @ credits) / (weights @ questions), dtype=np.float64)
