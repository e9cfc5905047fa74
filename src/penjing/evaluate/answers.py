"""Scores of a model that finds answers, with 95% intervals, beside baselines on the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from penjing.data.question_rows import Question
from penjing.errors import DataError
from penjing.metrics.answers import choose_threshold
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.prediction import AnswerPrediction
from penjing.tasks.task import SpanTask

_AROUND = 80  # characters shown on each side


class Answerer(Protocol):
    """A model that answers questions about texts."""

    @property
    def task(self) -> SpanTask:
        """What it is for."""

    def answer(
        self, questions: Sequence[str], texts: Sequence[str], progress: Progress | None = None
    ) -> Sequence[AnswerPrediction]:
        """Answers each question from its text."""


def evaluate_answers(
    model: Answerer,
    questions: Sequence[Question],
    *,
    resamples: int,
    worst: int,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Measures a model.

    Args:
        model: what is measured.
        questions: what it is asked, with the references.
        resamples: bootstrap resamples behind each interval.
        worst: how many of the answers are listed that are least like their references; those that are as they are not.
        seed: of the resamples.
        progress: told how many windows are read.

    Returns:
        JSON values: ``rows``, ``scores``, ``signature``, ``best_by``, ``worst`` and ``samples`` (answers in their
        text), ``unanswerable`` (questions without an answer), ``refused`` (questions that were left unanswered),
        ``cut_rows``, ``cut_tokens``; and ``written``, the answers.

    Raises:
        DataError: there are no questions.
        Interrupted: the user asked to stop.
    """
    if not questions:
        raise DataError("there are no questions to measure", do="Give a file with at least one question.")
    predictions = model.answer(
        [item.question for item in questions], [item.text for item in questions], progress=progress
    )
    written, references = [item.answer for item in predictions], [item.answers for item in questions]
    rated = model.task.rate(written, references)
    order = np.lexsort((-np.array([item.probability for item in predictions]), rated[:, 1], rated[:, 0]))
    wrong = [row for row in order if rated[row].min() < 1]
    return {
        **model.task.score(written, references, [item.document for item in questions], resamples, seed),
        "best_by": model.task.best_by,
        "worst": [show_answer(questions[row], predictions[row]) for row in wrong[:worst]],
        "samples": [show_answer(*pair) for pair in _spread(list(zip(questions, predictions, strict=True)), 3)],
        "unanswerable": sum(not item.is_answerable for item in questions),
        "refused": sum(not item.is_answerable for item in predictions),
        "cut_rows": sum(item.cut_tokens > 0 for item in predictions),
        "cut_tokens": sum(item.cut_tokens for item in predictions),
        "written": written,
    }


def evaluate_answer_baselines(
    task: SpanTask,
    train: Sequence[Question],
    questions: Sequence[Question],
    written: Sequence[str],
    *,
    resamples: int,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fits the task's baselines on the training questions and measures them on the same questions as the model.

    Args:
        task: what is asked.
        train: what the baselines learn from.
        questions: what they are measured on.
        written: what the model answered to those.
        resamples: bootstrap resamples behind each interval.
        seed: of the resamples.
        progress: told how many baselines are measured.

    Returns:
        name → scores, and name → score → the difference between model and baseline, on the same resamples.

    Raises:
        Interrupted: the user asked to stop.
    """
    references, documents = [item.answers for item in questions], [item.document for item in questions]
    scores, differences = {}, {}
    with progress.bar("baselines", len(task.baselines), "baselines") as bar:
        for name, fit in task.baselines.items():
            stop_if_asked(progress)
            other = fit(train).answer([item.question for item in questions], [item.text for item in questions])
            scores[name] = task.score(other, references, documents, resamples, seed)
            differences[name] = task.compare(written, other, references, documents, resamples, seed)
            bar.advance(1)
    return scores, differences


def settle_threshold(model: AnswerModel, questions: Sequence[Question], progress: Progress) -> AnswerModel:
    """Returns the model with the threshold that scores best on some questions.

    It stays as it is where a threshold was set, or where every one of the questions has an answer.

    Args:
        model: with or without a threshold.
        questions: of validation.
        progress: told how many windows are read.

    Raises:
        Interrupted: the user asked to stop.
    """
    if model.settings.threshold is not None or all(question.is_answerable for question in questions):
        return model
    found = [
        span
        for _, span in model.find([item.question for item in questions], [item.text for item in questions], progress)
    ]
    references = [item.answers for item in questions]
    answers = [item.text[span.start : span.end] for item, span in zip(questions, found, strict=True)]
    column = 0 if model.task.best_by == "f1" else 1
    answered, refused = (model.task.rate(given, references)[:, column] for given in (answers, [""] * len(questions)))
    margins = np.array([span.margin for span in found])
    known = np.isfinite(margins)
    threshold = choose_threshold(margins[known], answered[known], refused[known]) if known.any() else 0.0
    return replace(model, settings=model.settings.model_copy(update={"threshold": threshold}))


def show_answer(question: Question, prediction: AnswerPrediction) -> dict[str, Any]:
    """Returns an answer in its text, as JSON values: what stands before, in and after the parts that count.

    ``parts`` are pieces of the text around the answer and the reference nearest to it, each with whether it is of the
    reference and of the answer; a piece that is left out is "…".
    """
    truths = [
        (start, start + len(answer))
        for start, answer in zip(question.starts, question.answers, strict=True)
        if start >= 0
    ]
    own = (prediction.start, prediction.end)
    spans: list[tuple[int, int]] = [] if own[0] is None or own[1] is None else [(own[0], own[1])]
    near = spans[0][0] if spans else 0
    truth = min(truths, key=lambda span: abs(span[0] - near), default=None)
    marked = [*spans, *([truth] if truth else [])]
    return {
        "question": question.question,
        "truth": list(question.answers),
        "answer": prediction.answer,
        "probability": prediction.probability,
        "parts": _parts(question.text, spans[0] if spans else None, truth, marked),
    }


def _parts(
    text: str, own: tuple[int, int] | None, truth: tuple[int, int] | None, marked: Sequence[tuple[int, int]]
) -> list[dict[str, Any]]:
    shown = [(max(0, start - _AROUND), min(len(text), end + _AROUND)) for start, end in marked] or [(0, 2 * _AROUND)]
    borders = sorted({0, len(text), *(end for span in (*marked, *shown) for end in span if end <= len(text))})
    parts: list[dict[str, Any]] = []
    for start, end in pairwise(borders):
        if any(first <= start and end <= last for first, last in shown):
            flags = [span is not None and span[0] <= start and end <= span[1] for span in (truth, own)]
            parts.append({"text": text[start:end], "is_truth": flags[0], "is_answer": flags[1]})
        else:
            parts.append({"text": "…", "is_truth": False, "is_answer": False})
    return parts


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """Returns some items from all over a list."""
    step = max(1, len(items) // count)
    return list(items[::step][:count])
