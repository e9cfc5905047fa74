"""Scores of rankings in which one item is wanted, with intervals: how high it stands among all others.

An item that is scored like others stands anywhere among them with equal chance: every score is its expected value over
the orders of ties, so that a ranker which cannot tell items apart gets what chance gives, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penjing.metrics.interval import Floats, Score, bootstrap_many, include_zero, proportion

TOP = 10
GAINS = ("ndcg_10", "hit_rate_10", "mrr")
BANDS = ("head", "middle", "tail")
Numbers = NDArray[np.int64]


class Places(NamedTuple):
    """Where the wanted items stand.

    Attributes:
        above: how many items are scored higher, [rows].
        tied: how many others are scored the same, [rows].
    """

    above: Numbers
    tied: Numbers


def find_places(scores: NDArray[np.floating], targets: Numbers) -> Places:
    """Returns where the wanted items stand.

    Args:
        scores: of each item in each row, [rows, items]; minus infinity for one that is not ranked.
        targets: the column of the wanted item, [rows].
    """
    wanted = scores[np.arange(len(targets)), targets][:, None]
    return Places((scores > wanted).sum(axis=1), (scores == wanted).sum(axis=1) - 1)


def ranking_gains(places: Places) -> Floats:
    """Returns what each row is worth by each of `GAINS`, [rows, gains]: expected values over the orders of ties.

    With one wanted item at rank r, NDCG@10 is 1 / log2(r + 1) if r is at most 10 (Järvelin & Kekäläinen 2002, where
    the ideal ranking has it first), the hit rate is whether it is, and the reciprocal rank is 1 / r at any rank.
    """
    above, tied = (np.asarray(part, dtype=np.int64) for part in places)
    ranks = np.arange(1, int((above + tied).max(initial=0)) + 2)
    is_hit = ranks <= TOP
    gains = np.stack([is_hit / np.log2(ranks + 1), is_hit.astype(np.float64), 1.0 / ranks], axis=1)
    sums = np.concatenate([np.zeros((1, len(GAINS))), np.cumsum(gains, axis=0)])  # [ranks + 1, gains]
    found: Floats = (sums[above + tied + 1] - sums[above]) / (tied + 1)[:, None]
    return found


def ranking_scores(
    places: Places, shown: Numbers, items: int, bands: Numbers | None, resamples: int, seed: int
) -> dict[str, Any]:
    """Measures rankings.

    Args:
        places: where the wanted items stand.
        shown: the numbers of the items that are ranked first, from 0, [rows, 10]; -1 where there are no more.
        items: how many there are.
        bands: the place in `BANDS` of each wanted item, [rows]; None where items have none.
        resamples: bootstrap resamples behind each interval, over rows.
        seed: of the resamples.

    Returns:
        JSON values: ``rows``; ``scores``: each of `GAINS`, and ``coverage_10``, the share of the items that are among
        the first ten of some row; ``bands``: name → ``rows`` and each of `GAINS`.

    Raises:
        DataError: there are no rows.
    """
    gains = ranking_gains(places)
    scores = _gain_scores(gains, resamples, seed)
    scores["coverage_10"] = coverage(shown, items, resamples, seed).to_dict()
    return {"rows": len(gains), "scores": scores, "bands": _by_band(gains, bands, resamples, seed)}


def coverage(shown: Numbers, items: int, resamples: int, seed: int) -> Score:
    """Returns the share of the items that are among the first ten of some row, with its interval.

    A resample lacks a third of the rows, and so covers less: the interval is extended to the value.
    """

    def share(weights: Floats, lists: Numbers) -> Floats:
        parts = [np.unique(lists[drawn > 0]) for drawn in weights]
        return np.array([[np.count_nonzero(part >= 0) / items] for part in parts])

    return bootstrap_many(share, [shown], resamples, seed)[0]


def ranking_difference(ours: Places, theirs: Places, resamples: int, seed: int) -> dict[str, dict[str, float]]:
    """Returns for each of `GAINS` the first rankings' less the second's, paired by row, with its interval."""
    gaps = ranking_gains(ours) - ranking_gains(theirs)
    found = bootstrap_many(_mean_gains, [gaps], resamples, seed)
    unlike = np.count_nonzero(gaps, axis=0)
    return {
        name: include_zero(score, int(count)).to_dict() for name, score, count in zip(GAINS, found, unlike, strict=True)
    }


def popularity_bands(counts: Numbers) -> Numbers:
    """Returns the place in `BANDS` of each item: the most popular that have a third of all events, the next, the rest.

    Args:
        counts: training events of each item, [items]; items with equally many stay in their order.
    """
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]  # events of the items above
    bands = np.empty(len(counts), dtype=np.int64)
    bands[order] = np.minimum(len(BANDS) - 1, before * len(BANDS) // max(1, int(counts.sum())))
    bands[counts == 0] = len(BANDS) - 1
    return bands


def best_first(scores: NDArray[np.floating], most: int = TOP) -> Numbers:
    """Returns the columns with the highest scores, the highest first, [rows, most]; -1 where no more are ranked.

    Of equal scores the first column comes first.
    """
    order = np.argsort(-scores, axis=1, kind="stable")[:, :most]
    order = np.where(np.isneginf(np.take_along_axis(scores, order, axis=1)), -1, order)
    return np.pad(order, ((0, 0), (0, most - order.shape[1])), constant_values=-1)


def _by_band(gains: Floats, bands: Numbers | None, resamples: int, seed: int) -> dict[str, Any]:
    if bands is None:
        return {}
    found = {}
    for number, name in enumerate(BANDS):
        values = gains[bands == number]
        if len(values):
            found[name] = {"rows": len(values), **_gain_scores(values, resamples, seed)}
    return found


def _gain_scores(gains: Floats, resamples: int, seed: int) -> dict[str, dict[str, float]]:
    """Returns the mean of each of `GAINS`, with its interval."""
    found = bootstrap_many(_mean_gains, [gains], resamples, seed)
    scores = {name: score.to_dict() for name, score in zip(GAINS, found, strict=True)}
    hits = GAINS.index("hit_rate_10")
    scores["hit_rate_10"] = proportion(found[hits], float(gains[:, hits].sum()), len(gains)).to_dict()
    return scores


def _mean_gains(weights: Floats, gains: Floats) -> Floats:
    means: Floats = weights @ gains / weights.sum(axis=1, keepdims=True)
    return means


def join_places(rankings: Sequence[Places]) -> Places:
    """Returns several questions' places one after the other."""
    return Places(*(np.concatenate(part) for part in zip(*rankings, strict=True)))
