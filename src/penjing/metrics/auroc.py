"""The area under the ROC curve, from weights of the rows, so that it shares the resamples of the other scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.metrics.interval import Floats, Score, mean_of_defined, wilson_interval

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class RocCurve:
    """Rows in the order of a score, sorted once for all resamples.

    Attributes:
        order: the rows, the lowest score first, [rows].
        own: places in that order of the rows that have the label, [rows with it].
        below: how many rows score below each of those, [rows with it].
        reached: how many score below it or the same, [rows with it].
    """

    order: Ints
    own: Ints
    below: Ints
    reached: Ints

    def areas(self, drawn: NDArray[np.int32]) -> Floats:
        """Returns the area of each resample, [resamples]; NaN where one of the two kinds of rows is not there.

        It counts how many rows stand below each with the label, those that have it too among them: of each pair of
        these one is above, so half their number squared is taken off.

        Args:
            drawn: how often each row was drawn, [resamples, rows].
        """
        ordered = np.take(drawn, self.order, axis=1)
        totals = np.zeros((len(drawn), len(self.order) + 1), dtype=np.int32)
        np.cumsum(ordered, axis=1, dtype=np.int32, out=totals[:, 1:])
        own = ordered[:, self.own].astype(np.float64)
        twice_below = np.take(totals, self.below, axis=1) + np.take(totals, self.reached, axis=1)
        have = own.sum(axis=1)
        above = np.einsum("ij,ij->i", own, twice_below.astype(np.float64)) - have**2
        with np.errstate(invalid="ignore"):
            return np.asarray(above / (2.0 * have * (totals[:, -1] - have)), dtype=np.float64)


def trace_curve(truth: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Sorts rows by a score.

    Args:
        truth: whether the label applies, [rows].
        scores: the higher the surer, [rows].
    """
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    own = np.flatnonzero(np.asarray(truth, dtype=np.bool_)[order])
    return RocCurve(order, own, *(np.searchsorted(ordered, ordered[own], side=side) for side in ("left", "right")))


def trace_classes(truth: ArrayLike, probabilities: ArrayLike) -> list[RocCurve]:
    """Returns the curves of classes: of two the second's, of more each against the others.

    Args:
        truth: the true class of each row, [rows].
        probabilities: [rows, classes].
    """
    actual, chances = np.asarray(truth, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    classes = chances.shape[1]
    return [trace_curve(actual == number, chances[:, number]) for number in range(1 if classes == 2 else 0, classes)]


def area_of_each(curves: Sequence[RocCurve], weights: Floats) -> Floats:
    """Returns the area under each curve for weights [resamples, rows], as [resamples, curves]; NaN: not defined."""
    drawn = weights.astype(np.int32)
    return np.stack([curve.areas(drawn) for curve in curves], axis=1)


def auroc(truth: ArrayLike, scores: ArrayLike) -> float:
    """Returns how often a row of a label scores above one without it, ties half: the area under the ROC curve.

    Hanley & McNeil 1982. NaN where all rows have the label, or none.

    Args:
        truth: whether the label applies, [rows].
        scores: the higher the surer, [rows].
    """
    curve = trace_curve(truth, scores)
    return float(area_of_each([curve], np.ones((1, len(curve.order))))[0, 0])


def class_auroc(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the area for the second of two classes; of more, the mean of each against the others.

    Classes that no row or every row has are left out of that mean; NaN where none is left.

    Args:
        truth: the true class of each row, [rows].
        probabilities: [rows, classes].
    """
    curves = trace_classes(truth, probabilities)
    return float(mean_of_defined(area_of_each(curves, np.ones((1, len(curves[0].order)))))[0])


def area_figure(score: Score, curves: Sequence[RocCurve]) -> Score | None:
    """Returns the mean area of curves with its interval; None where it is not defined.

    Where every row with a label stands above every one without, or below, the bootstrap has no width. In its place
    stands Wilson's interval, with as many trials as there are rows of the rarer kind, for each of them stood right.

    Args:
        score: mean of the areas, with its bootstrap interval.
        curves: of the labels.
    """
    if np.isnan(score.value):
        return None
    if score.value not in (0.0, 1.0):
        return score
    rarer = np.array([min(len(curve.own), len(curve.order) - len(curve.own)) for curve in curves])
    trials = rarer[rarer > 0]
    low, high = wilson_interval(score.value * trials, trials)
    return Score(score.value, float(low.mean()), float(high.mean()))
