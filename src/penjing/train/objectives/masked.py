"""Masked language modelling: guess hidden tokens from both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED, output_cross_entropy
from penjing.train.objective import LanguageObjective, Prepared, count_tokens

if TYPE_CHECKING:
    from penjing.models.interface import LanguageModel


class MaskedObjective(LanguageObjective):
    """Guess hidden tokens from both sides (Devlin et al. 2019, arXiv 1810.04805).

    In every window the same number of tokens is chosen, so that shapes stay fixed. Of those, 80% are replaced by
    ``[MASK]``, 10% by a random token, 10% stay. Where the rate falls or rises, as many are chosen as the higher asks
    for, and those over the rate of the moment neither hidden nor guessed.

    Args:
        mask_rate: share of the tokens to be guessed at the beginning (15% in the paper; higher can be better: Wettig et
            al. 2023, arXiv 2202.08005).
        mask_rate_end: at the end of the run; in between it changes evenly (falling, it can be better: Yang et al. 2023,
            arXiv 2212.10806).
        mask_id: the id of ``[MASK]``.
        vocab_size: random tokens are drawn below it.
        special_ids: never chosen.
    """

    def __init__(
        self, mask_rate: float, mask_rate_end: float, mask_id: int, vocab_size: int, special_ids: frozenset[int]
    ) -> None:
        self._mask_rate, self._mask_rate_end = mask_rate, mask_rate_end
        self._mask_id, self._vocab_size = mask_id, vocab_size
        self._special = torch.tensor(sorted(special_ids))

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        ids = batch.ids  # [batch, time]
        rate = self._mask_rate + done * (self._mask_rate_end - self._mask_rate)
        guessed_per_row = max(1, round(rate * ids.shape[1]))
        chosen_per_row = max(1, round(max(self._mask_rate, self._mask_rate_end) * ids.shape[1]))
        order = torch.rand(ids.shape, generator=generator)
        order = order.masked_fill(torch.isin(ids, self._special), 2.0)
        if batch.mask is not None:
            order = order.masked_fill(~batch.mask, 3.0)
        columns = order.argsort(dim=1)[:, :chosen_per_row]  # [batch, chosen]
        positions = (columns + torch.arange(ids.shape[0])[:, None] * ids.shape[1]).flatten()
        targets = ids.flatten()[positions]
        dice = torch.rand(positions.shape, generator=generator)
        random_ids = torch.randint(self._vocab_size, positions.shape, generator=generator)
        replaced = torch.where(dice < 0.8, self._mask_id, torch.where(dice < 0.9, random_ids, targets))
        is_guessed = (torch.arange(chosen_per_row) < guessed_per_row).repeat(ids.shape[0])  # [batch * chosen]
        replaced = torch.where(is_guessed, replaced, targets)
        inputs = ids.flatten().index_put((positions,), replaced).view(ids.shape)
        # A row of special tokens alone has nothing to guess: those targets are ignored by the loss.
        targets = torch.where(torch.isin(targets, self._special) | ~is_guessed, IGNORED, targets)
        tensors = (inputs, batch.mask, batch.documents, positions, targets)
        return Prepared(tensors, int((targets >= 0).sum()), count_tokens(batch))

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        ids, mask, documents, positions, targets = cast(
            "tuple[Tensor, Tensor | None, Tensor | None, Tensor, Tensor]", tensors
        )
        model = cast("LanguageModel", network)
        hidden = model.encode(ids, mask, documents=documents)  # [batch, time, dim]
        return output_cross_entropy(model.output_layer(hidden.flatten(0, 1)[positions]), targets, self.score_piece)
