"""Question answering: a part of a text answers a question about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penjing.metrics.answers import answer_difference, answer_scores, rate_answers
from penjing.tasks.baselines import ANSWER_BASELINES
from penjing.tasks.task import SpanTask


def score_answers(
    written: Sequence[str], references: Sequence[Sequence[str]], documents: Sequence[str], resamples: int, seed: int
) -> dict[str, Any]:
    """Returns F1 and exact match with 95% intervals, and whose rules were followed."""
    return answer_scores(written, references, documents, resamples=resamples, seed=seed)


def compare_answers(
    written: Sequence[str],
    other: Sequence[str],
    references: Sequence[Sequence[str]],
    documents: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Returns the differences in F1 and exact match with 95% intervals."""
    return answer_difference(written, other, references, documents, resamples=resamples, seed=seed)


ANSWER = SpanTask(
    name="answer",
    score=score_answers,
    compare=compare_answers,
    rate=rate_answers,
    best_by="f1",
    baselines=ANSWER_BASELINES,
)
