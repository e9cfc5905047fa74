"""Scores of a model that writes, with 95% intervals, beside baselines fitted on the training pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penjing.data.reading import PairRows
from penjing.errors import DataError
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.task import WritingTask
from penjing.tasks.writing_model import WritingModel


def evaluate_writing(
    model: WritingModel, pairs: PairRows, *, resamples: int, worst: int, seed: int, progress: Progress
) -> dict[str, Any]:
    """Measures a model.

    Args:
        model: what is measured.
        pairs: what it is asked, with what it should write.
        resamples: bootstrap resamples behind each interval.
        worst: how many of the answers are listed that are least like what they should be.
        seed: of the resamples.
        progress: told how many answers are written.

    Returns:
        JSON values: ``rows``, ``scores``, what else the task says of them, ``worst``, ``unfinished`` (answers that the
        model did not end), ``cut_rows``, ``cut_tokens``; and ``written``, the answers.

    Raises:
        DataError: there are no pairs.
        Interrupted: the user asked to stop.
    """
    if not pairs.texts:
        raise DataError("there are no rows to measure", do="Give a file with at least one pair.")
    task = model.task
    assert isinstance(task, WritingTask)
    predictions = model.write(pairs.texts, progress=progress)
    written = [item.written for item in predictions]
    rated: list[dict[str, Any]] = [
        {"text": text, "truth": truth, "written": answer, "rating": task.rate(answer, references)}
        for text, truth, references, answer in zip(*pairs, written, strict=True)
    ]
    rated.sort(key=lambda row: row["rating"])
    return {
        **task.score(written, pairs.references, pairs.texts, resamples, seed),
        "best_by": task.best_by,
        "worst": rated[:worst],
        "unfinished": sum(not item.is_complete for item in predictions),
        "cut_rows": sum(item.cut_tokens > 0 for item in predictions),
        "cut_tokens": sum(item.cut_tokens for item in predictions),
        "written": written,
    }


def evaluate_writing_baselines(
    task: WritingTask,
    train: PairRows,
    pairs: PairRows,
    written: Sequence[str],
    *,
    resamples: int,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fits the task's baselines on the training pairs and measures them on the same pairs as the model.

    Args:
        task: what is asked.
        train: what the baselines learn from.
        pairs: what they are measured on.
        written: what the model wrote to those.
        resamples: bootstrap resamples behind each interval.
        seed: of the resamples.
        progress: told how many baselines are measured.

    Returns:
        name → scores, and name → score → the difference between model and baseline, on the same resamples.

    Raises:
        Interrupted: the user asked to stop.
    """
    scores, differences = {}, {}
    with progress.bar("baselines", len(task.baselines), "baselines") as bar:
        for name, fit in task.baselines.items():
            stop_if_asked(progress)
            other = fit(train.texts, train.targets).write(pairs.texts)
            scores[name] = task.score(other, pairs.references, pairs.texts, resamples, seed)
            differences[name] = task.compare(written, other, pairs.references, pairs.texts, resamples, seed)
            bar.advance(1)
    return scores, differences
