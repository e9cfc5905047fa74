"""Causal language modelling: guess each token from those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED, output_cross_entropy
from penjing.train.objective import LanguageObjective, Prepared, count_tokens

if TYPE_CHECKING:
    from penjing.models.interface import NextTokenModel


class CausalObjective(LanguageObjective):
    """Guess each token from those before it; with two directions also each from those after it, on its own.

    Args:
        directions: 1, or 2 for a bidirectional LSTM, whose two halves are two language models (Peters et al. 2018,
            arXiv 1802.05365).
        start_id: begins every document, and need not be guessed: -1 where there is no such token, or where it ends
            documents too.
    """

    def __init__(self, directions: int = 1, start_id: int = -1) -> None:
        self._directions, self._start_id = directions, start_id

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        tokens = count_tokens(batch)
        guessed = [batch.ids[:, 1:], batch.ids[:, :-1]][: self._directions]
        real = None if batch.mask is None else batch.mask[:, 1:]
        asked = [part != self._start_id if real is None else (part != self._start_id) & real for part in guessed]
        targets = sum(int(part.sum()) for part in asked)
        return Prepared((batch.ids, batch.mask, batch.documents), targets, tokens)

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        ids, mask, documents = cast("tuple[Tensor, Tensor | None, Tensor | None]", tensors)
        model = cast("NextTokenModel", network)
        hidden, targets = model.next_token_pairs(ids, mask, documents=documents)  # [pairs, dim], [pairs]
        targets = targets.masked_fill(targets == self._start_id, IGNORED)
        return output_cross_entropy(model.output_layer(hidden), targets, self.score_piece)
