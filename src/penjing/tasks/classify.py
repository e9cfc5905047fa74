"""Text classification: one of several labels for a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.metrics.classification import classification_scores
from penjing.tasks.baselines import CLASSIFICATION_BASELINES
from penjing.tasks.prediction import ClassPrediction
from penjing.tasks.task import LabelTask, Probabilities


def softmax(logits: Probabilities) -> Probabilities:
    """Returns probabilities over the last axis, [rows, labels]."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float64)


def most_probable(probabilities: Probabilities) -> NDArray[np.int64]:
    """Returns the number of the most probable label of each row, [rows]."""
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def decode_classes(
    logits: Probabilities, labels: Sequence[str], texts: Sequence[str], cut_tokens: Sequence[int]
) -> list[ClassPrediction]:
    """Returns the most probable label of each row, with the probability of every label."""
    predictions = []
    for text, cut, row in zip(texts, cut_tokens, softmax(logits), strict=True):
        best = int(row.argmax())
        every = {label: float(value) for label, value in zip(labels, row, strict=True)}
        predictions.append(ClassPrediction(text, labels[best], float(row[best]), every, cut))
    return predictions


def score_classes(
    truth: NDArray[np.int64], probabilities: Probabilities, labels: Sequence[str], resamples: int, seed: int
) -> dict[str, Any]:
    """Returns loss, accuracy, macro-F1, calibration and the figures of each label, with 95% intervals."""
    return classification_scores(truth, probabilities, list(labels), resamples=resamples, seed=seed)


CLASSIFY = LabelTask(
    name="classify",
    label_names=None,
    choose=most_probable,
    decode=decode_classes,
    score=score_classes,
    baselines=CLASSIFICATION_BASELINES,
)
