"""Ordinal classification: one of several labels that have an order, such as marks or degrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.metrics.ordinal import ordinal_scores
from penjing.tasks.baselines import ORDINAL_BASELINES
from penjing.tasks.classify import softmax
from penjing.tasks.prediction import RankPrediction
from penjing.tasks.task import OrdinalTask, Probabilities


def choose_median(probabilities: Probabilities) -> NDArray[np.int64]:
    """Returns the number of the first label up to which at least half of the probability lies, [rows].

    That label has the least expected distance from the true one, in places (Shi et al. 2023, arXiv 2111.08851, eq. 5).
    """
    reached = np.cumsum(probabilities, axis=1)[:, :-1] >= 0.5
    return np.asarray((~reached).sum(axis=1), dtype=np.int64)


def label_values(labels: Sequence[str]) -> NDArray[np.float64]:
    """Returns what each label counts in a mean: its number where all are numbers, else its place, from 1, [labels]."""
    try:
        values = np.array([float(label) for label in labels])
    except ValueError:
        values = np.array([np.nan])
    return values if np.isfinite(values).all() else np.arange(1.0, len(labels) + 1)


def decode_ranks(
    logits: Probabilities, labels: Sequence[str], texts: Sequence[str], cut_tokens: Sequence[int]
) -> list[RankPrediction]:
    """Returns the median label of each row, with the probability of every label and the expected value."""
    probabilities = softmax(logits)
    expected = probabilities @ label_values(labels)
    return [
        RankPrediction(
            text,
            labels[number],
            float(row[number]),
            {label: float(value) for label, value in zip(labels, row, strict=True)},
            cut,
            expected=float(mean),
        )
        for text, cut, row, number, mean in zip(
            texts, cut_tokens, probabilities, choose_median(probabilities), expected, strict=True
        )
    ]


def score_ranks(
    truth: NDArray[np.int64], probabilities: Probabilities, labels: Sequence[str], resamples: int, seed: int
) -> dict[str, Any]:
    """Returns the scores of a classifier, and how far its answers are from the truth, with 95% intervals."""
    given = choose_median(probabilities)
    return ordinal_scores(truth, probabilities, given, list(labels), resamples=resamples, seed=seed)


ORDINAL = OrdinalTask(
    name="ordinal",
    label_names=None,
    choose=choose_median,
    decode=decode_ranks,
    score=score_ranks,
    baselines=ORDINAL_BASELINES,
)
