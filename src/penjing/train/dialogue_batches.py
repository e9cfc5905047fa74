"""Batches of dialogues: windows of like length, of which the replies are learned."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.text.batching import pad_rows, plan_by_length, round_lengths
from penjing.text.shards import TokenShard
from penjing.train.batches import Batch, shuffle_by_length
from penjing.train.cross_entropy import IGNORED
from penjing.train.pair_batches import PairLimits


class DialogueBatches:
    """Windows for a decoder: ``ids`` is the whole window but its last token, ``written`` what follows, if learned.

    Args:
        shard: windows of dialogues.
        learned: which tokens of the shard are learned, [tokens].
        pad_id: fills shorter rows.
        limits: how large a batch may be.
        seed: decides the order.
        shuffled: false for validation.
    """

    def __init__(
        self,
        shard: TokenShard,
        learned: NDArray[np.bool_],
        pad_id: int,
        limits: PairLimits,
        seed: int,
        *,
        shuffled: bool = True,
    ) -> None:
        self._shard, self._learned, self._pad_id = shard, learned, pad_id
        self._limits, self._seed, self._shuffled = limits, seed, shuffled
        self._lengths = round_lengths(shard.lengths - 1)  # as they are padded

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        lengths, tokens, rows = self._lengths, self._limits.tokens, self._limits.rows
        if not self._shuffled:
            return plan_by_length(lengths, tokens, rows)
        return shuffle_by_length(lengths, tokens, rows, [self._seed, epoch])

    def load(self, rows: NDArray[np.int64]) -> Batch:
        windows = [self._shard.row(int(row)).astype(np.int64) for row in rows]
        masks = [self._learned[self._shard.offsets[row] : self._shard.offsets[row + 1]] for row in rows]
        length = int(self._lengths[rows].max())
        ids, mask = pad_rows([window[:-1] for window in windows], self._pad_id, length)
        targets = [np.where(is_learned, window, IGNORED)[1:] for window, is_learned in zip(windows, masks, strict=True)]
        return Batch(
            ids=torch.from_numpy(ids),
            mask=None if mask.all() else torch.from_numpy(mask),
            labels=None,
            written=torch.from_numpy(pad_rows(targets, IGNORED, length)[0]),
        )

    def used_ids(self) -> Tensor | None:
        return None
