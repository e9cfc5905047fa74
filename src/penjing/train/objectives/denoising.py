"""A denoising autoencoder: write the whole text, having read a damaged one (Hill et al. 2016, arXiv 1602.03483).

It asks for more than the hidden spans, and so learns more from little text; and needs no sentinels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.objective import LanguageObjective, Prepared, count_tokens
from penjing.train.objectives.span import shift_right, writing_loss


class DenoisingObjective(LanguageObjective):
    """Of the tokens that are damaged half are left out, and half replaced by a mask (Lewis et al. 2020, 1910.13461).

    In every window the same number is, so that shapes stay fixed.

    Args:
        damaged_rate: share of the tokens.
        mask_id: stands in the place of those that are replaced.
        start_id: the decoder reads it first.
    """

    def __init__(self, damaged_rate: float, mask_id: int, start_id: int) -> None:
        self._damaged_rate, self._mask_id, self._start_id = damaged_rate, mask_id, start_id

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        ids = batch.ids  # [batch, time]
        rows, time = ids.shape
        damaged = min(time - 1, max(1, round(self._damaged_rate * time)))
        rank = torch.rand(ids.shape, generator=generator).argsort(dim=1).argsort(dim=1)  # [batch, time], even
        is_left_out = rank < damaged // 2
        read = ids.masked_fill(rank < damaged, self._mask_id)[~is_left_out].view(rows, -1)
        tensors: tuple[Tensor, ...] = (read, shift_right(ids, self._start_id), ids)
        if (own := batch.documents) is not None:
            tensors += (own[~is_left_out].view(rows, -1), torch.cat([own[:, :1], own[:, :-1]], dim=1))
        return Prepared(tensors, ids.numel(), count_tokens(batch))

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        return writing_loss(self.score_piece, network, *tensors)
