"""Scores of answers whose labels have an order: how far they are from the truth, each score with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from penjing.metrics.classification import decided_scores
from penjing.metrics.interval import Floats, bootstrap_many, proportion, weighted_mean

_ORDER = ("accuracy", "within_one", "mae", "qwk", "macro_f1", "auroc", "loss", "ece")


def mean_absolute_error(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Returns by how many places the predicted class [rows] is off the true one [rows], on average."""
    return float(np.abs(_numbers(truth) - _numbers(predicted)).mean())


def quadratic_kappa(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Returns Cohen's kappa with weights that grow with the square of the distance in places (Cohen 1968).

    1 is full agreement, 0 what answers would reach that are drawn by their shares alone; 0 also where both are always
    the same one class.

    Args:
        truth: the true class of each row, [rows].
        predicted: the class that was given, [rows].
    """
    actual, given = _numbers(truth), _numbers(predicted)
    return float(_kappa(np.ones((1, len(actual))), actual, given)[0])


def ordinal_scores(
    truth: ArrayLike,
    probabilities: ArrayLike,
    predicted: ArrayLike,
    labels: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Measures answers with labels in order, with percentile bootstrap intervals at 95%.

    Args:
        truth: the true class of each row, [rows]; classes are numbered in their order.
        probabilities: [rows, classes].
        predicted: the class that was given, [rows].
        labels: name of each class.
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values as of `penjing.metrics.classification.classification_scores`; among ``scores`` also ``mae``, the
        mean absolute error in places, ``qwk``, the quadratic weighted kappa, and ``within_one``, the share of answers
        that are at most one place off.

    Raises:
        DataError: no rows, shapes that do not fit, or values that are no probabilities.
    """
    measured = decided_scores(truth, probabilities, predicted, labels, resamples, seed)
    actual, given = _numbers(truth), _numbers(predicted)
    mae, qwk, near = bootstrap_many(_distances, [actual, given], resamples, seed)
    close = int((np.abs(actual - given) <= 1).sum())
    added = {"mae": mae, "qwk": qwk, "within_one": proportion(near, close, len(actual))}
    scores = {**measured["scores"], **{name: score.to_dict() for name, score in added.items()}}
    return {**measured, "scores": {name: scores[name] for name in _ORDER if name in scores}}


def _distances(weights: Floats, actual: Floats, given: Floats) -> Floats:
    """Returns mean absolute error, kappa and share within one place, [resamples, 3]."""
    distance = np.abs(actual - given)
    near = weighted_mean(weights, (distance <= 1).astype(np.float64))
    return np.stack([weighted_mean(weights, distance), _kappa(weights, actual, given), near], axis=1)


def _kappa(weights: Floats, actual: Floats, given: Floats) -> Floats:
    """Returns 1 - E (t - p)² / E' (t - p)², [resamples]; in E' the two are drawn apart: E t² + E p² - 2 E t · E p."""
    seen = weighted_mean(weights, (actual - given) ** 2)
    apart = weighted_mean(weights, actual**2) + weighted_mean(weights, given**2)
    apart = apart - 2.0 * weighted_mean(weights, actual) * weighted_mean(weights, given)
    is_defined = apart > 1e-12
    kappa = np.where(is_defined, 1.0 - seen / np.where(is_defined, apart, 1.0), 0.0)
    return np.asarray(np.round(kappa, 12) + 0.0, dtype=np.float64)  # no minus before a zero


def _numbers(classes: ArrayLike) -> Floats:
    return np.asarray(classes, dtype=np.float64)
