"""Explanations that stop where nobody waits for them any more: between two calls of the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from penjing.inference.engine import LabelScorer
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.scoring_model import ScoringModel

_TOKENS = 16_384  # that are scored between two looks


class _Stopping:
    """Scores sequences as another does, and looks now and then whether to stop."""

    def __init__(self, scorer: LabelScorer, progress: Progress) -> None:
        self.network, self.device = scorer.network, scorer.device
        self._scorer, self._progress = scorer, progress

    def score(self, sequences: list[list[int]]) -> NDArray[np.float64]:
        """Returns the logits of each sequence, [sequences, labels]; see `LabelScorer`."""
        scores, first, tokens = [], 0, 0
        for place, sequence in enumerate(sequences):
            if place > first and tokens + len(sequence) > _TOKENS:
                stop_if_asked(self._progress)
                scores.append(self._scorer.score(sequences[first:place]))
                first, tokens = place, 0
            tokens += len(sequence)
        stop_if_asked(self._progress)
        return np.concatenate([*scores, self._scorer.score(sequences[first:])])


@contextmanager
def stopping(model: ScoringModel, progress: Progress) -> Iterator[ScoringModel]:
    """Gives a model that raises `Interrupted` where its progress says so; others may not ask it meanwhile.

    Args:
        model: that is to be explained.
        progress: asked between two calls of the network.
    """
    hook = model.engine.network.register_forward_pre_hook(lambda *_: stop_if_asked(progress))
    try:
        yield replace(model, engine=_Stopping(model.engine, progress))
    finally:
        hook.remove()
