"""Batches of pairs: a text that is read, and one that is to be written, of like length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.text.batching import pad_rows, plan_by_length
from penjing.text.shards import TokenShard
from penjing.train.batches import Batch, shuffle_by_length
from penjing.train.cross_entropy import IGNORED


@dataclass(frozen=True)
class PairLimits:
    """How large a batch of pairs may be.

    Attributes:
        tokens: most tokens, what is written and padding included.
        rows: most rows.
    """

    tokens: int
    rows: int


class _PairBatches:
    """What both kinds of batches have in common.

    Args:
        shard: pairs, what is read and what is written one after the other; the label of a row is the length of what is
            read.
        pad_id: fills shorter rows.
        limits: how large a batch may be.
        seed: decides the order.
        shuffled: false for validation.
    """

    def __init__(self, shard: TokenShard, pad_id: int, limits: PairLimits, seed: int, *, shuffled: bool = True) -> None:
        self._shard, self._pad_id, self._limits, self._seed, self._shuffled = shard, pad_id, limits, seed, shuffled

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        lengths, tokens, rows = self._shard.lengths, self._limits.tokens, self._limits.rows
        if not self._shuffled:
            return plan_by_length(lengths, tokens, rows)
        return shuffle_by_length(lengths, tokens, rows, [self._seed, epoch])

    def used_ids(self) -> Tensor | None:
        return None

    def _pairs(self, rows: NDArray[np.int64]) -> list[tuple[NDArray[np.integer], NDArray[np.integer]]]:
        """Returns what is read and what is written in each row."""
        borders = self._shard.labels[rows].tolist()
        return [
            (tokens[:border], tokens[border:])
            for tokens, border in zip((self._shard.row(int(row)) for row in rows), borders, strict=True)
        ]


class PairBatches(_PairBatches):
    """Pairs for an encoder-decoder: ``ids`` is what it reads, ``written`` what it writes."""

    def load(self, rows: NDArray[np.int64]) -> Batch:
        read, written = zip(*self._pairs(rows), strict=True)
        ids, mask = pad_rows(read, self._pad_id)
        targets, _ = pad_rows(written, IGNORED)
        return Batch(torch.from_numpy(ids), _mask(mask), None, written=torch.from_numpy(targets))


class ContinuationBatches(_PairBatches):
    """Pairs for a decoder: ``ids`` is the whole row but its last token, ``written`` what follows each token of it."""

    def load(self, rows: NDArray[np.int64]) -> Batch:
        pairs = self._pairs(rows)
        ids, mask = pad_rows([np.concatenate(pair)[:-1] for pair in pairs], self._pad_id)
        targets = [np.r_[np.full(len(read) - 1, IGNORED), written.astype(np.int64)] for read, written in pairs]
        return Batch(torch.from_numpy(ids), _mask(mask), None, written=torch.from_numpy(pad_rows(targets, IGNORED)[0]))


def _mask(mask: NDArray[np.bool_]) -> Tensor | None:
    return None if mask.all() else torch.from_numpy(mask)
