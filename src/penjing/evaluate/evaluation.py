"""Scores of a model on labelled rows, each with its 95% interval, beside baselines fitted on the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from penjing.errors import DataError
from penjing.metrics.interval import paired_difference
from penjing.tasks.prediction import ClassPrediction
from penjing.tasks.task import LabelTask, Probabilities


class Labeller(Protocol):
    """A model that answers texts with labels."""

    @property
    def task(self) -> LabelTask:
        """What it is for."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its answers."""

    @property
    def alone(self) -> Labeller | None:
        """The same without the n-grams beside its network; None where there are none."""

    def predict_texts(self, texts: Sequence[str]) -> Sequence[ClassPrediction]:
        """Answers each text."""


@dataclass(frozen=True)
class LabelledTexts:
    """Rows with their labels.

    Attributes:
        texts: what is read.
        labels: the name of the true label of each.
    """

    texts: Sequence[str]
    labels: Sequence[str]


def evaluate_model(model: Labeller, rows: LabelledTexts, *, resamples: int, mistakes: int, seed: int) -> dict[str, Any]:
    """Measures a model.

    Args:
        model: what is measured.
        rows: what it is asked, with the true labels.
        resamples: bootstrap resamples behind each interval.
        mistakes: how many of the most confident mistakes are listed.
        seed: of the resamples.

    Returns:
        JSON values: ``rows``, ``scores``, ``per_class``, ``confusion``, ``reliability``, ``mistakes``, ``cut_rows``,
        ``cut_tokens``; ``alone``, the scores without the n-grams beside the network, where there are some.

    Raises:
        DataError: there are no rows, or a label that the model does not know.
    """
    truth = class_numbers(rows.labels, model.labels)
    predictions = model.predict_texts(list(rows.texts))
    probabilities = _probabilities(model, predictions)
    alone = {} if model.alone is None else {"alone": _score_alone(model.alone, rows, truth, resamples, seed)}
    wrong: list[dict[str, Any]] = [
        {"text": item.text, "truth": true, "label": item.label, "probability": item.probability}
        for item, true in zip(predictions, rows.labels, strict=True)
        if item.label != true
    ]
    wrong.sort(key=lambda row: -row["probability"])
    return {
        **model.task.score(truth, probabilities, model.labels, resamples, seed),
        "labels": list(model.labels),
        "mistakes": wrong[:mistakes],
        "cut_rows": sum(item.cut_tokens > 0 for item in predictions),
        "cut_tokens": sum(item.cut_tokens for item in predictions),
        "correct": [item.label == true for item, true in zip(predictions, rows.labels, strict=True)],
        **alone,
    }


def _probabilities(model: Labeller, predictions: Sequence[ClassPrediction]) -> Probabilities:
    return np.array([[item.probabilities[label] for label in model.labels] for item in predictions])


def _score_alone(
    model: Labeller, rows: LabelledTexts, truth: NDArray[np.int64], resamples: int, seed: int
) -> dict[str, Any]:
    """Returns what a network is worth whose n-grams are left out."""
    probabilities = _probabilities(model, model.predict_texts(list(rows.texts)))
    return model.task.score(truth, probabilities, model.labels, resamples, seed)


def evaluate_baselines(
    model: Labeller,
    train: LabelledTexts,
    validation: LabelledTexts,
    rows: LabelledTexts,
    correct: Sequence[bool],
    *,
    resamples: int,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fits the task's baselines on the training rows and measures them on the same rows as the model.

    Args:
        model: its task and labels count.
        train: what the baselines learn from.
        validation: what they choose their settings by; there may be none.
        rows: what they are measured on.
        correct: which of those rows the model got right.
        resamples: bootstrap resamples behind each interval.
        seed: of the resamples.

    Returns:
        name → scores, and name → the difference in accuracy between model and baseline, paired by row; without
        baselines that are not made for such texts.
    """
    labels = model.labels
    truth = class_numbers(rows.labels, labels)
    scores, differences = {}, {}
    for name, fit in model.task.baselines.items():
        baseline = fit(
            list(train.texts),
            class_numbers(train.labels, labels),
            list(validation.texts),
            known_classes(validation.labels, labels),
            list(labels),
        )
        if baseline is None:
            continue
        probabilities: Probabilities = baseline.probabilities(list(rows.texts))
        scores[name] = model.task.score(truth, probabilities, labels, resamples, seed)
        right = model.task.choose(probabilities) == truth
        difference = paired_difference(np.array(correct), right, resamples=resamples, seed=seed)
        differences[name] = difference.to_dict()
    return scores, differences


def class_numbers(names: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Returns the number of each label, [rows].

    Raises:
        DataError: there are no rows, or a label that the model does not know.
    """
    if not len(names):
        raise DataError("there are no rows to measure", do="Give a file with at least one labelled row.")
    return known_classes(names, labels)


def known_classes(names: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Returns the number of each label, [rows]; of no rows none.

    Raises:
        DataError: a label that the model does not know.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    for row, name in enumerate(names, start=1):
        if name not in numbers:
            raise DataError(
                f'the label "{name}" is not one of the model\'s: {", ".join(labels)}',
                where=f"row {row}",
                do="Correct the row, or leave it out.",
            )
    return np.array([numbers[name] for name in names], dtype=np.int64)
