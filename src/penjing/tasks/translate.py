"""Translation: a text is written in another language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penjing.metrics.translation import sentence_chrf, translation_difference, translation_scores
from penjing.tasks.baselines import TRANSLATION_BASELINES
from penjing.tasks.task import WritingTask


def score_translations(
    written: Sequence[str], references: Sequence[Sequence[str]], sources: Sequence[str], resamples: int, seed: int
) -> dict[str, Any]:
    """Returns BLEU and chrF with 95% intervals, and their signatures."""
    return translation_scores(written, references, resamples=resamples, seed=seed)


def compare_translations(
    written: Sequence[str],
    other: Sequence[str],
    references: Sequence[Sequence[str]],
    sources: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Returns the differences in BLEU and chrF with 95% intervals."""
    return translation_difference(written, other, references, resamples=resamples, seed=seed)


TRANSLATE = WritingTask(
    name="translate",
    score=score_translations,
    compare=compare_translations,
    rate=sentence_chrf,
    best_by="bleu",
    baselines=TRANSLATION_BASELINES,
)
