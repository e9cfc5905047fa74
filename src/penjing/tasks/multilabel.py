"""Multi-label classification: any number of labels for a text, or none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from penjing.metrics.multilabel import multilabel_difference, multilabel_scores
from penjing.tasks.baselines import MULTILABEL_BASELINES
from penjing.tasks.prediction import SetPrediction
from penjing.tasks.task import MultilabelTask, Probabilities


def sigmoid(logits: Probabilities) -> Probabilities:
    """Returns the probability of each label by itself, [rows, labels]."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float64)


def decode_sets(
    logits: Probabilities,
    labels: Sequence[str],
    threshold: float,
    texts: Sequence[str],
    cut_tokens: Sequence[int],
) -> list[SetPrediction]:
    """Returns the labels of each row that are as probable as the threshold or more, the most probable first."""
    predictions = []
    for text, cut, row in zip(texts, cut_tokens, sigmoid(logits), strict=True):
        given = [number for number in np.argsort(-row, kind="stable").tolist() if row[number] >= threshold]
        every = {label: float(value) for label, value in zip(labels, row, strict=True)}
        predictions.append(SetPrediction(text, tuple(labels[number] for number in given), every, threshold, cut))
    return predictions


MULTILABEL = MultilabelTask(
    name="multilabel",
    decode=decode_sets,
    score=multilabel_scores,
    compare=multilabel_difference,
    best_by="micro_f1",
    baselines=MULTILABEL_BASELINES,
)
