"""Scores of a model that gives any number of labels, with 95% intervals, beside baselines fitted on the training rows.

The threshold of each baseline is chosen as the model's is: on the validation rows, by micro-F1. One that is sure of
every label, as the most frequent set is, is taken at its word: between certainties there is one threshold alone that
leaves any label out, and none where all are 0, so that the best by micro-F1 could give every label to every text. It
has no calibration error, for it gives no probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penjing.data.reading import LabelSetRows
from penjing.errors import DataError
from penjing.metrics.multilabel import choose_threshold
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.multilabel_model import MultilabelModel
from penjing.tasks.task import Flags, MultilabelTask

_SURE = 0.5


def evaluate_multilabel(
    model: MultilabelModel, rows: LabelSetRows, *, resamples: int, mistakes: int, seed: int
) -> dict[str, Any]:
    """Measures a model.

    Args:
        model: what is measured.
        rows: what it is asked, with the labels that apply.
        resamples: bootstrap resamples behind each interval.
        mistakes: how many of the answers are listed that are furthest from the truth.
        seed: of the resamples.

    Returns:
        JSON values: ``rows``, ``scores``, ``per_label``, ``best_by``, ``threshold``, ``labels``, ``mistakes``,
        ``cut_rows``, ``cut_tokens``; and ``given``, whether each label was given, [rows, labels].

    Raises:
        DataError: there are no rows, or a label that the model does not know.
    """
    truth = label_flags(rows.labels, model.labels)
    predictions = model.predict_texts(rows.texts)
    probabilities = np.array([[item.probabilities[label] for label in model.labels] for item in predictions])
    given = probabilities >= model.threshold
    distances = np.abs(probabilities - truth).sum(axis=1)
    wrong = [row for row in np.argsort(-distances, kind="stable").tolist() if (given[row] != truth[row]).any()]
    return {
        **model.task.score(truth, probabilities, model.threshold, model.labels, resamples, seed),
        "best_by": model.task.best_by,
        "threshold": model.threshold,
        "labels": list(model.labels),
        "mistakes": [
            {"text": rows.texts[row], "truth": list(rows.labels[row]), "labels": list(predictions[row].labels)}
            for row in wrong[:mistakes]
        ],
        "cut_rows": sum(item.cut_tokens > 0 for item in predictions),
        "cut_tokens": sum(item.cut_tokens for item in predictions),
        "given": given,
    }


def evaluate_multilabel_baselines(
    task: MultilabelTask,
    labels: Sequence[str],
    splits: tuple[LabelSetRows, LabelSetRows, LabelSetRows],
    given: Flags,
    *,
    resamples: int,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fits the task's baselines on the training rows and measures them on the same rows as the model.

    Args:
        task: what is asked.
        labels: name of each label.
        splits: what they learn from, what their thresholds are chosen on, and what they are measured on.
        given: which labels the model gave to the rows of the last, [rows, labels].
        resamples: bootstrap resamples behind each interval.
        seed: of the resamples.
        progress: told how many baselines are measured.

    Returns:
        name → scores, and name → score → the difference between model and baseline, on the same resamples.

    Raises:
        Interrupted: the user asked to stop.
    """
    train, validation, test = splits
    known, chosen, truth = (label_flags(rows.labels, labels) for rows in splits)
    scores, differences = {}, {}
    with progress.bar("baselines", len(task.baselines), "baselines") as bar:
        for name, fit in task.baselines.items():
            stop_if_asked(progress)
            baseline = fit(train.texts, known)
            held_out, probabilities = (baseline.probabilities(rows.texts) for rows in (validation, test))
            is_sure = bool(np.isin(held_out, (0.0, 1.0)).all())
            threshold = _SURE if is_sure else choose_threshold(chosen, held_out)
            measured = task.score(truth, probabilities, threshold, labels, resamples, seed)
            if is_sure:
                for figures in (measured["scores"], *measured["per_label"].values()):
                    figures.pop("ece", None)
            scores[name] = {**measured, "threshold": threshold}
            differences[name] = task.compare(truth, given, probabilities >= threshold, resamples, seed)
            bar.advance(1)
    return scores, differences


def label_flags(sets: Sequence[Sequence[str]], labels: Sequence[str]) -> Flags:
    """Returns whether each label applies to each row, [rows, labels].

    Raises:
        DataError: there are no rows, or a label that the model does not know.
    """
    if not len(sets):
        raise DataError("there are no rows to measure", do="Give a file with at least one labelled row.")
    numbers = {label: number for number, label in enumerate(labels)}
    flags = np.zeros((len(sets), len(labels)), dtype=np.bool_)
    for row, names in enumerate(sets):
        for name in names:
            if name not in numbers:
                raise DataError(
                    f'the label "{name}" is not one of the model\'s: {", ".join(labels)}',
                    where=f"row {row + 1}",
                    do="Correct the row, or leave it out.",
                )
            flags[row, numbers[name]] = True
    return flags
