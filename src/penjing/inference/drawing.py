"""Texts whose tokens are drawn, many at once; each is the one that it would be alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from penjing.inference.sampling import SamplingSettings, choose_token
from penjing.inference.search import GreedySearch, Texts


def seed_of(prompt: Sequence[int], seed: int) -> int:
    """Returns the seed of a text, which follows from its prompt and the seed of all: what is written beside it, and in
    which order, does not count, and texts with different prompts are drawn independently."""
    state = np.random.SeedSequence([seed, *prompt]).generate_state(2)
    return int(state[0]) << 31 | int(state[1]) >> 1


class DrawnSearch(GreedySearch):
    """Draws each token by its probability.

    Args:
        texts: what is written; each is a row.
        settings: how tokens are drawn.
        seeds: of each text, as `seed_of` returns them.
    """

    def __init__(self, texts: Texts, settings: SamplingSettings, seeds: Sequence[int]) -> None:
        super().__init__(texts, settings.no_repeat_ngram_size)
        self._settings = settings
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def choose(self, logits: Tensor) -> Tensor:
        """Returns the next token of each row; nothing is drawn for one that is complete, or reads its prompt."""
        texts, on_cpu = self._texts, logits.cpu()
        ids = [
            choose_token(on_cpu[row], self._settings, generator) if texts.alive[row] and texts.written(row) else 0
            for row, generator in enumerate(self._generators)
        ]
        return torch.tensor(ids, dtype=torch.int64, device=logits.device)

    def shrink(self) -> Tensor:
        """Forgets the texts that are complete; see `penjing.inference.search.Search`."""
        places = super().shrink()
        self._generators = [self._generators[place] for place in places.tolist()]
        return places
