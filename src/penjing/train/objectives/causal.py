"""Causal language modelling: guess each token from those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.cross_entropy import output_cross_entropy
from penjing.train.objective import LanguageObjective, Prepared, count_tokens

if TYPE_CHECKING:
    from penjing.models.interface import NextTokenModel


class CausalObjective(LanguageObjective):
    """Guess each token from those before it; with two directions also each from those after it, on its own.

    Args:
        directions: 1, or 2 for a bidirectional LSTM, whose two halves are two language models (Peters et al. 2018,
            arXiv 1802.05365).
    """

    def __init__(self, directions: int = 1) -> None:
        self._directions = directions

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        tokens = count_tokens(batch)
        return Prepared((batch.ids, batch.mask), self._directions * (tokens - batch.ids.shape[0]), tokens)

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        ids, mask = cast("tuple[Tensor, Tensor | None]", tensors)
        model = cast("NextTokenModel", network)
        hidden, targets = model.next_token_pairs(ids, mask)  # [pairs, dim], [pairs]
        return output_cross_entropy(model.output_layer(hidden), targets)
