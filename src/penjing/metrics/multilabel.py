"""Scores of answers with any number of labels: F1, exact match, Hamming loss, AUROC, calibration, with intervals.

Every statistic is a function of weighted totals over rows, so that all share the same resamples (see
`penjing.metrics.interval`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.errors import DataError
from penjing.metrics.auroc import RocCurve, area_figure, area_of_each, trace_curve
from penjing.metrics.classification import BINS, bins_of, f1_figure
from penjing.metrics.interval import (
    Floats,
    Score,
    bootstrap_many,
    include_zero,
    mean_of_defined,
    proportion,
    weighted_mean,
)

Bools = NDArray[np.bool_]
SCORES = ("micro_f1", "macro_f1", "exact_match", "hamming_loss", "macro_auroc", "ece")
_COMPARED = ("micro_f1", "macro_f1", "exact_match", "hamming_loss")
_NO_THRESHOLD = 0.5


def choose_threshold(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the probability from which on a label is given, so that micro-F1 is highest on these rows.

    One for all labels: one for each would follow the few rows of rare labels (as Yang 2001, A study of thresholding
    strategies for text categorization, found). It lies halfway between the two probabilities that it parts; of several
    that are as good, it is the highest. Without any true label it is 0.5.

    Args:
        truth: whether each label applies, [rows, labels].
        probabilities: of each, [rows, labels].
    """
    actual, chances = _checked(truth, probabilities)
    order = np.argsort(-chances, axis=None, kind="stable")
    hits, ordered = np.cumsum(actual.ravel()[order]), chances.ravel()[order]
    if not hits[-1]:
        return _NO_THRESHOLD
    f1 = 2.0 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    borders = np.flatnonzero(np.r_[ordered[1:] < ordered[:-1], True])  # equal probabilities stay together
    best = borders[int(np.argmax(f1[borders]))]
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + below) / 2.0)


def label_calibration_error(truth: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> float:
    """Returns the expected calibration error of each label, as the mean over labels.

    A label's probabilities are put into bins of equal width. Its error is the sum over bins of the rows in a bin, as a
    share of all, times the distance between their mean probability and the share of them that has the label: ``ECE =
    Σ_b n_b/n · |mean p in b - share with the label in b|`` (Naeini, Cooper & Hauskrecht 2015, for two classes; the
    confidence of Guo et al. 2017, arXiv 1706.04599, eq. 3, is that of the more probable answer instead). So it does not
    hang on the threshold.

    Args:
        truth: whether each label applies, [rows, labels].
        probabilities: of each, [rows, labels].
        bins: how many; a bin holds its upper edge.
    """
    actual, chances = _checked(truth, probabilities)
    return float(_calibration_errors(np.ones((1, len(actual))), actual, chances, bins).mean())


def multilabel_scores(
    truth: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    labels: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Measures answers with any number of labels, with percentile bootstrap intervals over rows at 95%.

    Args:
        truth: whether each label applies, [rows, labels].
        probabilities: of each, [rows, labels].
        threshold: a label is given from this probability on.
        labels: name of each label.
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values: ``rows``; ``scores``: ``micro_f1`` over all labels of all rows, ``macro_f1``, the mean over labels
        that occur in truth or answers, ``exact_match``, the share of rows all of whose labels are right,
        ``hamming_loss``, the share of labels of rows that are wrong, ``macro_auroc``, the mean over labels that some
        rows have and some have not, ``ece``, as `label_calibration_error`; ``per_label`` with ``precision``,
        ``recall``, ``f1``, ``auroc`` and ``ece`` of each label, None where it is not defined, ``support``, its rows,
        and how many rows are ``true_positives``, ``false_positives``, ``false_negatives`` and ``true_negatives``. A
        score is ``{"value", "low", "high"}``.

    Raises:
        DataError: no rows, shapes that do not fit, or values that are no probabilities.
    """
    actual, chances = _checked(truth, probabilities, len(labels))
    given = chances >= threshold
    count = len(labels)
    curves = [trace_curve(actual[:, number], chances[:, number]) for number in range(count)]
    found = bootstrap_many(partial(_all_scores, curves=curves), [actual, given, chances], resamples, seed)
    overall, of_labels = found[: len(SCORES)], found[len(SCORES) :]
    scores: dict[str, Score | None] = dict(zip(SCORES, overall, strict=True))
    exact = int((given == actual).all(axis=1).sum())
    scores["exact_match"] = proportion(overall[SCORES.index("exact_match")], exact, len(actual))
    scores["macro_auroc"] = area_figure(overall[SCORES.index("macro_auroc")], curves)
    return {
        "rows": len(actual),
        "scores": {name: score.to_dict() for name, score in scores.items() if score and not np.isnan(score.value)},
        "per_label": {
            label: _label_figures(of_labels[number::count], curves[number], actual[:, number], given[:, number])
            for number, label in enumerate(labels)
        },
    }


def multilabel_difference(
    truth: ArrayLike, given: ArrayLike, other: ArrayLike, resamples: int = 1000, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Compares two answers to the same rows: the scores of the first less those of the second, on the same resamples.

    Where the two differ on fewer than six rows, zero is always in the interval, as in
    `penjing.metrics.interval.paired_difference`.

    Args:
        truth: whether each label applies, [rows, labels].
        given: which the first gives, [rows, labels].
        other: which the second gives, [rows, labels].
        resamples: bootstrap resamples.
        seed: of the resamples.

    Returns:
        JSON values: ``micro_f1``, ``macro_f1``, ``exact_match`` and ``hamming_loss``, each
        ``{"value", "low", "high"}``.
    """
    arrays = [np.asarray(values, dtype=np.bool_) for values in (truth, given, other)]
    scores = bootstrap_many(_differences, arrays, resamples, seed)
    disagreements = int((arrays[1] != arrays[2]).any(axis=1).sum())
    return {name: include_zero(score, disagreements).to_dict() for name, score in zip(_COMPARED, scores, strict=True)}


def _differences(weights: Floats, actual: Bools, given: Bools, other: Bools) -> Floats:
    return _decided(weights, actual, given)[0] - _decided(weights, actual, other)[0]


def _all_scores(weights: Floats, actual: Bools, given: Bools, chances: Floats, *, curves: Sequence[RocCurve]) -> Floats:
    """Returns [resamples, 6 + 5 × labels]: `SCORES`; precision, recall, F1, AUROC and calibration of the labels."""
    overall, of_labels = _decided(weights, actual, given)
    areas = area_of_each(curves, weights)
    errors = _calibration_errors(weights, actual, chances, BINS)
    others = np.stack([mean_of_defined(areas), errors.mean(axis=1)], axis=1)
    return np.concatenate([overall, others, *of_labels, areas, errors], axis=1)


def _calibration_errors(weights: Floats, actual: Bools, chances: Floats, bins: int) -> Floats:
    """Returns the error of each label for weights [resamples, rows], as [resamples, labels]."""
    rows, errors = np.arange(len(actual)), np.zeros((len(weights), actual.shape[1]))
    for label, (own, chance) in enumerate(zip(actual.T, chances.T, strict=True)):
        gaps = np.zeros((len(actual), bins))  # how much higher the probability is than the truth, in its bin
        gaps[rows, bins_of(chance, bins)] = chance - own
        errors[:, label] = np.abs(weights @ gaps).sum(axis=1)
    return np.asarray(errors / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def _decided(weights: Floats, actual: Bools, given: Bools) -> tuple[Floats, list[Floats]]:
    """Returns the scores that need no probabilities, [resamples, 4], and precision, recall, F1 of the labels."""
    hits, gave, are = (weights @ flags.astype(np.float64) for flags in (actual & given, given, actual))
    with np.errstate(invalid="ignore", divide="ignore"):
        of_labels = [hits / gave, hits / are, 2.0 * hits / (gave + are)]
        micro = 2.0 * hits.sum(axis=1) / (gave.sum(axis=1) + are.sum(axis=1))
    wrong = actual != given
    overall = (
        np.nan_to_num(micro),
        mean_of_defined(of_labels[2]),
        weighted_mean(weights, (~wrong.any(axis=1)).astype(np.float64)),
        weighted_mean(weights, wrong.mean(axis=1)),
    )
    return np.stack(overall, axis=1), of_labels


def _label_figures(scores: Sequence[Score], curve: RocCurve, actual: Bools, given: Bools) -> dict[str, Any]:
    """Returns the figures of one label, with Wilson's interval where the bootstrap has none, None where undefined."""
    hits, are, gave = int((actual & given).sum()), int(actual.sum()), int(given.sum())
    precision, recall, f1, area, error = scores
    figures = {
        "precision": proportion(precision, hits, gave) if gave else None,
        "recall": proportion(recall, hits, are) if are else None,
        "f1": f1_figure(f1, hits, are + gave - hits) if are + gave else None,
        "auroc": area_figure(area, [curve]),
        "ece": error,
    }
    counts = {
        "support": are,
        "true_positives": hits,
        "false_positives": gave - hits,
        "false_negatives": are - hits,
        "true_negatives": len(actual) - are - gave + hits,
    }
    return {**{name: figure and figure.to_dict() for name, figure in figures.items()}, **counts}


def _checked(truth: ArrayLike, probabilities: ArrayLike, labels: int | None = None) -> tuple[Bools, Floats]:
    """Returns both as arrays.

    Raises:
        DataError: no rows, shapes that do not fit, or values that are no probabilities.
    """
    actual, chances = np.asarray(truth, dtype=np.bool_), np.asarray(probabilities, dtype=np.float64)
    if chances.ndim != 2 or actual.shape != chances.shape or (labels is not None and chances.shape[1] != labels):
        wanted = "" if labels is None else f" and {labels} labels"
        raise DataError(
            f"the probabilities have the shape {list(chances.shape)}, the truth {list(actual.shape)}{wanted}",
            do="Give for each row whether each label applies, and its probability.",
        )
    if not len(actual):
        raise DataError("there are no rows to measure", do="Give at least one labelled row.")
    fit = (np.isfinite(chances) & (chances >= 0.0) & (chances <= 1.0)).all(axis=1)
    if not fit.all():
        row = int(np.flatnonzero(~fit)[0])
        raise DataError(
            f"{chances[row].round(4).tolist()} are no probabilities",
            where=f"row {row + 1}",
            do="Each must be from 0 to 1; the sigmoid makes logits so.",
        )
    return actual, chances
