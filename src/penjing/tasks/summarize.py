"""Summarization: the gist of a text is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penjing.metrics.summary import sentence_rouge, summary_difference, summary_scores
from penjing.tasks.baselines import SUMMARY_BASELINES
from penjing.tasks.task import WritingTask


def score_summaries(
    written: Sequence[str], references: Sequence[Sequence[str]], sources: Sequence[str], resamples: int, seed: int
) -> dict[str, Any]:
    """Returns ROUGE, lengths and the copied share with 95% intervals, and ROUGE's signature."""
    return summary_scores(written, references, sources, resamples=resamples, seed=seed)


def compare_summaries(
    written: Sequence[str],
    other: Sequence[str],
    references: Sequence[Sequence[str]],
    sources: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Returns the differences in those scores with 95% intervals."""
    return summary_difference(written, other, references, sources, resamples=resamples, seed=seed)


SUMMARIZE = WritingTask(
    name="summarize",
    score=score_summaries,
    compare=compare_summaries,
    rate=sentence_rouge,
    best_by="rouge1",
    baselines=SUMMARY_BASELINES,
)
