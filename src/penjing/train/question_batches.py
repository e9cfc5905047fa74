"""Batches of questions with the windows of their texts, and where in a window the answer stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.text.batching import gather_rows, plan_by_length, round_lengths
from penjing.text.segments import MatchMarks, token_types
from penjing.text.shards import TokenShard, open_shard
from penjing.train.batches import Batch, shuffle_by_length, used_tokens
from penjing.train.pair_batches import PairLimits

SPANS = "spans.npy"


def open_spans(folder: Path) -> NDArray[np.int64]:
    """Returns the first and the last token of the answer in each row of a shard, [rows, 2]; 0 and 0: not there."""
    spans: NDArray[np.int64] = np.load(folder / SPANS, allow_pickle=False)
    return spans


class QuestionBatches:
    """Windows, batched by length.

    Args:
        folder: of a shard whose labels are the place at which the text begins, with `SPANS` beside.
        pad_id: fills shorter rows.
        limits: how large a batch may be.
        seed: decides the order.
        marks: as `penjing.text.segments.token_types` has it.
        shuffled: false for validation.
    """

    def __init__(
        self,
        folder: Path,
        pad_id: int,
        limits: PairLimits,
        seed: int,
        *,
        marks: MatchMarks | None = None,
        shuffled: bool = True,
    ) -> None:
        self._shard: TokenShard = open_shard(folder)
        self._spans = open_spans(folder)
        self._lengths = round_lengths(self._shard.lengths)  # as they are padded
        self._pad_id, self._limits, self._seed, self._shuffled = pad_id, limits, seed, shuffled
        self._marks = marks

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        tokens, rows = self._limits.tokens, self._limits.rows
        if not self._shuffled:
            return plan_by_length(self._lengths, tokens, rows)
        return shuffle_by_length(self._lengths, tokens, rows, [self._seed, epoch])

    def load(self, rows: NDArray[np.int64]) -> Batch:
        length = int(self._lengths[rows].max())
        ids, mask = gather_rows(self._shard.tokens, self._shard.offsets, rows, self._pad_id, length)
        types = token_types(ids, self._shard.labels[rows], mask, self._marks)
        return Batch(
            ids=torch.from_numpy(ids),
            mask=None if mask.all() else torch.from_numpy(mask),
            labels=None,
            token_types=torch.from_numpy(types),
            spans=torch.from_numpy(self._spans[rows]),
        )

    def used_ids(self) -> Tensor | None:
        return used_tokens(self._shard, self._pad_id)
