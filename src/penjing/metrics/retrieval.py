"""Retrieval accuracy: how often the right reply is rated best among candidates (Lowe et al. 2015, 1506.08909, R@1).

Several candidates may be rated alike, the right one among them: then the question counts as a part of a right answer,
one over how many are, which is what drawing among them would give on average. So nothing has to be drawn.

Questions of one dialogue hang together; an interval is the percentile bootstrap over dialogues.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from penjing.metrics.interval import Floats, Score, cluster_difference, cluster_share

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
    return cluster_share(credits, dialogues, resamples, seed)


def retrieval_difference(credits: Floats, others: Floats, dialogues: Ints, resamples: int, seed: int) -> Score:
    """Returns the accuracy of one less that of another on the same questions, with its paired 95% interval.

    Where they differ in fewer than six dialogues, zero is in the interval (`penjing.metrics.interval.include_zero`).
    """
    return cluster_difference(credits - others, dialogues, resamples, seed)
