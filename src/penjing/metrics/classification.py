"""Scores of a classifier from its probabilities: loss, accuracy, F1, AUROC, calibration, each with its interval.

Every statistic is a function of weighted totals over rows, so that all of them share the same resamples
(see `penjing.metrics.interval`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.errors import DataError
from penjing.metrics.auroc import RocCurve, area_figure, area_of_each, trace_classes
from penjing.metrics.interval import (
    Floats,
    Score,
    bootstrap_many,
    mean_of_defined,
    proportion,
    weighted_mean,
    wilson_interval,
)

Ints = NDArray[np.int64]

BINS = 15
_OVERALL = ("loss", "accuracy", "macro_f1", "auroc", "ece")
_SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)
_SUMS_TO_ONE_WITHIN = 1e-3


@dataclass(frozen=True)
class Reliability:
    """How often a model is right when it says it is this sure, in bins of equal width that hold any rows.

    Attributes:
        confidence: mean probability of the label given, [bins].
        accuracy: share that was right, [bins].
        low: lower end of the accuracy's 95% interval (Wilson), [bins].
        high: its upper end, [bins].
        count: rows, [bins].
    """

    confidence: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    count: Ints

    def to_list(self) -> list[dict[str, float | int]]:
        """Returns JSON values, a dictionary a bin."""
        return [
            {"confidence": float(c), "accuracy": float(a), "low": float(low), "high": float(high), "count": int(n)}
            for c, a, low, high, n in zip(self.confidence, self.accuracy, self.low, self.high, self.count, strict=True)
        ]


def log_loss(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the mean negative log-probability of the true class, in nats.

    Args:
        truth: the true class of each row, [rows].
        probabilities: [rows, classes]; those below 2.2e-16 count as that, so that the loss is finite.

    Raises:
        DataError: no rows, shapes that do not fit, or values that are no probabilities.
    """
    classes, rows = _checked(truth, probabilities)
    return float(_losses(classes, rows).mean())


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Returns the share of rows whose predicted class [rows] is the true one [rows]."""
    return float(np.mean(np.asarray(truth) == np.asarray(predicted)))


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, classes: int) -> Ints:
    """Returns how many rows of each true class were given each class, [true class, predicted class]."""
    cells = np.asarray(truth, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def precision_recall_f1(truth: ArrayLike, predicted: ArrayLike, classes: int) -> Floats:
    """Returns precision, recall and F1 of each class, [3, classes]; 0 where a class never occurs."""
    actual, given = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    return np.nan_to_num(_class_scores(np.ones((1, len(actual))), actual, given, classes)[:, 0])


def macro_f1(truth: ArrayLike, predicted: ArrayLike, classes: int) -> float:
    """Returns the mean F1 of the classes that occur among the true or the predicted ones."""
    actual, given = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    return float(mean_of_defined(_class_scores(np.ones((1, len(actual))), actual, given, classes)[2])[0])


def expected_calibration_error(truth: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> float:
    """Returns the mean distance of confidence and accuracy over bins of equal width (Guo et al. 2017, eq. 3).

    Args:
        truth: the true class of each row, [rows].
        probabilities: [rows, classes].
        bins: how many; a bin holds its upper edge.
    """
    classes, rows = _checked(truth, probabilities)
    confidence, correct = rows.max(axis=1), rows.argmax(axis=1) == classes
    gaps = np.bincount(bins_of(confidence, bins), weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(classes))


def reliability_curve(truth: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> Reliability:
    """Returns confidence and accuracy in bins of equal width; bins without rows are left out.

    Args:
        truth: the true class of each row, [rows].
        probabilities: [rows, classes].
        bins: how many.
    """
    classes, rows = _checked(truth, probabilities)
    return _reliability(rows.max(axis=1), rows.argmax(axis=1) == classes, bins)


def _reliability(confidence: Floats, correct: NDArray[np.bool_], bins: int) -> Reliability:
    place = bins_of(confidence, bins)
    count = np.bincount(place, minlength=bins)
    filled = count > 0
    sure = np.bincount(place, weights=confidence, minlength=bins)[filled]
    right = np.bincount(place, weights=correct, minlength=bins)[filled]
    count = count[filled]
    low, high = wilson_interval(right, count)
    return Reliability(sure / count, right / count, low, high, count)


def classification_scores(
    truth: ArrayLike, probabilities: ArrayLike, labels: Sequence[str], resamples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Measures a classifier, with percentile bootstrap intervals at 95%.

    Where all rows of a proportion agree (every row right, or none), the bootstrap has no width and Wilson's interval
    stands in its place.

    Args:
        truth: the true class of each row, [rows].
        probabilities: [rows, classes].
        labels: name of each class.
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values: ``rows``; ``scores`` with ``loss`` (nats), ``accuracy``, ``macro_f1``, ``auroc`` and ``ece``;
        ``per_class`` with ``precision``, ``recall``, ``f1`` and ``support`` of each label; ``confusion`` [true,
        predicted]; ``reliability``, a list of bins. A score is ``{"value", "low", "high"}``. ``auroc`` is as
        `penjing.metrics.auroc.class_auroc`, and not there where that is not defined.

    Raises:
        DataError: no rows, shapes that do not fit, or values that are no probabilities.
    """
    _, rows = _checked(truth, probabilities, len(labels))
    return decided_scores(truth, rows, rows.argmax(axis=1), labels, resamples, seed)


def decided_scores(
    truth: ArrayLike,
    probabilities: ArrayLike,
    predicted: ArrayLike,
    labels: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Measures a classifier that need not give the most probable class; else as `classification_scores`.

    Its confidence is the probability of the class that it gives.

    Args:
        truth: the true class of each row, [rows].
        probabilities: [rows, classes].
        predicted: the class that was given, [rows].
        labels: name of each class.
        resamples: bootstrap resamples.
        seed: of the resamples.
    """
    classes, rows = _checked(truth, probabilities, len(labels))
    predicted = np.asarray(predicted, dtype=np.int64)
    confidence, correct = rows[np.arange(len(rows)), predicted], predicted == classes
    arrays = [_losses(classes, rows), correct.astype(np.float64), confidence, classes, predicted]
    curves = trace_classes(classes, rows)
    scores = bootstrap_many(partial(_all_scores, classes=len(labels), curves=curves), arrays, resamples, seed)
    confusion = confusion_matrix(classes, predicted, len(labels))
    overall, per_class = _with_proportions(scores, confusion, curves)
    return {
        "rows": len(classes),
        "scores": {name: score.to_dict() for name, score in overall.items() if score},
        "per_class": {
            label: {**{name: score.to_dict() for name, score in of.items()}, "support": int(support)}
            for label, of, support in zip(labels, per_class, confusion.sum(axis=1), strict=True)
        },
        "confusion": confusion.tolist(),
        "reliability": _reliability(confidence, correct, BINS).to_list(),
    }


def _all_scores(
    weights: Floats,
    losses: Floats,
    correct: Floats,
    confidence: Floats,
    truth: Ints,
    predicted: Ints,
    *,
    classes: int,
    curves: Sequence[RocCurve],
) -> Floats:
    """Returns [resamples, 5 + 3 × classes]: `_OVERALL`; precision, recall and F1 of the classes."""
    of_classes = _class_scores(weights, truth, predicted, classes)
    gaps = _totals(weights * (confidence - correct), bins_of(confidence, BINS), BINS)
    overall = (
        weighted_mean(weights, losses),
        weighted_mean(weights, correct),
        mean_of_defined(of_classes[2]),
        mean_of_defined(area_of_each(curves, weights)),
        np.abs(gaps).sum(axis=1) / weights.sum(axis=1),
    )
    return np.concatenate([np.stack(overall, axis=1), *of_classes], axis=1)


def _class_scores(weights: Floats, truth: Ints, predicted: Ints, classes: int) -> Floats:
    """Returns precision, recall and F1, [3, resamples, classes]; NaN where one is not defined."""
    hit = truth == predicted
    right = _totals(weights[:, hit], truth[hit], classes)
    actual, given = _totals(weights, truth, classes), _totals(weights, predicted, classes)
    with np.errstate(invalid="ignore"):
        return np.stack([right / given, right / actual, 2.0 * right / (actual + given)])


def _totals(weights: Floats, groups: Ints, count: int) -> Floats:
    """Returns the total weight of each group, [resamples, count], of weights [resamples, rows], groups [rows]."""
    resamples = len(weights)
    cells = groups + np.arange(resamples)[:, None] * count
    totals = np.bincount(cells.ravel(), weights=weights.ravel(), minlength=resamples * count)
    return np.asarray(totals, dtype=np.float64).reshape(resamples, count)


def _with_proportions(
    scores: Sequence[Score], confusion: Ints, curves: Sequence[RocCurve]
) -> tuple[dict[str, Score | None], list[dict[str, Score]]]:
    """Names the scores of `_all_scores`, and puts Wilson's interval where the bootstrap has none."""
    count, hits = len(confusion), np.diag(confusion)
    actual, given = confusion.sum(axis=1), confusion.sum(axis=0)
    either = actual + given - hits
    per_class = []
    for number in range(count):
        precision, recall, f1 = scores[len(_OVERALL) + number :: count]
        right = int(hits[number])
        per_class.append(
            {
                "precision": proportion(precision, right, int(given[number])),
                "recall": proportion(recall, right, int(actual[number])),
                "f1": f1_figure(f1, right, int(either[number])),
            }
        )
    loss, share, macro, area, ece = scores[: len(_OVERALL)]
    if macro.low == macro.high:
        present = [row["f1"] for row, rows in zip(per_class, either, strict=True) if rows]
        ends = np.mean([(score.low, score.high) for score in present], axis=0)
        macro = Score(macro.value, min(macro.low, float(ends[0])), max(macro.high, float(ends[1])))
    share = proportion(share, int(hits.sum()), int(confusion.sum()))
    overall = (loss, share, macro, area_figure(area, curves), ece)
    return dict(zip(_OVERALL, overall, strict=True)), per_class


def f1_figure(score: Score, successes: int, either: int) -> Score:
    """As `proportion`: F1 grows with the share J of rows of a class, true or predicted, that are right: 2J / (1+J)."""
    share = proportion(score, successes, either)
    if share is score:
        return score
    return Score(*(2.0 * end / (1.0 + end) for end in (share.value, share.low, share.high)))


def _losses(truth: Ints, probabilities: Floats) -> Floats:
    own = probabilities[np.arange(len(truth)), truth]
    return np.asarray(-np.log(np.clip(own, _SMALLEST_PROBABILITY, 1.0)), dtype=np.float64)


def bins_of(confidence: Floats, bins: int) -> Ints:
    """Returns in which of so many bins of equal width from 0 to 1 each value lies; a bin holds its upper edge."""
    inner = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    return np.searchsorted(inner, confidence, side="left").astype(np.int64)


def _checked(truth: ArrayLike, probabilities: ArrayLike, labels: int | None = None) -> tuple[Ints, Floats]:
    """Returns both as arrays.

    Raises:
        DataError: no rows, shapes that do not fit, or values that are no probabilities.
    """
    classes, rows = np.asarray(truth, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or classes.shape != rows.shape[:1] or (labels is not None and rows.shape[1] != labels):
        wanted = "" if labels is None else f" and {labels} labels"
        raise DataError(
            f"the probabilities have the shape {list(rows.shape)} for {len(classes)} rows{wanted}",
            do="Give one row for each true class, and in it one probability for each label.",
        )
    if not len(classes):
        raise DataError("there are no rows to measure", do="Give at least one labelled row.")
    strange = np.flatnonzero((classes < 0) | (classes >= rows.shape[1]))
    if len(strange):
        raise DataError(
            f"the true class is {classes[strange[0]]}, and there are {rows.shape[1]} classes",
            where=f"row {strange[0] + 1}",
            do="Classes are numbered from 0.",
        )
    sums = rows.sum(axis=1)
    fit = np.isfinite(sums) & (rows.min(axis=1) >= 0.0) & (np.abs(sums - 1.0) <= _SUMS_TO_ONE_WITHIN)
    if not fit.all():
        row = int(np.flatnonzero(~fit)[0])
        raise DataError(
            f"{rows[row].round(4).tolist()} are no probabilities",
            where=f"row {row + 1}",
            do="Each must be 0 or more, and together they must be 1; softmax makes logits so.",
        )
    return classes, np.minimum(rows, 1.0)
