"""Generation: a model goes on with a text."""

from __future__ import annotations

from collections.abc import Sequence

from penjing.metrics.generation import SampleScores, sample_scores
from penjing.tasks.baselines import GENERATION_BASELINES
from penjing.tasks.task import GenerationTask


def score_samples(written: Sequence[str], real: Sequence[str], resamples: int, seed: int) -> SampleScores:
    """Returns distinct-n, repetition and length of texts that were written, and of real ones, with 95% intervals."""
    return sample_scores(written, real, resamples, seed)


GENERATE = GenerationTask(name="generate", score=score_samples, best_by="bits_per_byte", baselines=GENERATION_BASELINES)
