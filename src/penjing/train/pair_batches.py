"""Batches of pairs: a text that is read, and one that is to be written, of like length."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.text.batching import pad_rows, plan_by_length, round_lengths
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


class _PairBatches(ABC):
    """What both kinds of batches have in common.

    Args:
        shard: pairs, what is read and what is written one after the other; the label of a row is the length of what is
            read.
        pad_id: fills shorter rows.
        limits: how large a batch may be.
        seed: decides the order.
        shuffled: false for validation.

    Attributes:
        lengths: tokens that a batch holds for a row if it has no longer ones, padding included, int64 [rows].
    """

    lengths: NDArray[np.int64]

    def __init__(self, shard: TokenShard, pad_id: int, limits: PairLimits, seed: int, *, shuffled: bool = True) -> None:
        self._shard, self._pad_id, self._limits, self._seed, self._shuffled = shard, pad_id, limits, seed, shuffled
        self._keep_lengths(shard.labels, shard.lengths - shard.labels)

    @abstractmethod
    def _keep_lengths(self, read: NDArray[np.int64], written: NDArray[np.int64]) -> None:
        """Decides to which lengths rows are padded, from those of what is read and written in each."""

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        tokens, rows = self._limits.tokens, self._limits.rows
        if not self._shuffled:
            return plan_by_length(self.lengths, tokens, rows)
        return shuffle_by_length(self.lengths, tokens, rows, [self._seed, epoch])

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

    def _keep_lengths(self, read: NDArray[np.int64], written: NDArray[np.int64]) -> None:
        self._read, self._written = round_lengths(read), round_lengths(written)
        self.lengths = self._read + self._written

    def load(self, rows: NDArray[np.int64]) -> Batch:
        read, written = zip(*self._pairs(rows), strict=True)
        ids, mask = pad_rows(read, self._pad_id, int(self._read[rows].max()))
        targets, _ = pad_rows(written, IGNORED, int(self._written[rows].max()))
        return Batch(torch.from_numpy(ids), _mask(mask), None, written=torch.from_numpy(targets))


class ContinuationBatches(_PairBatches):
    """Pairs for a decoder: ``ids`` is the whole row but its last token, ``written`` what follows each token of it."""

    def _keep_lengths(self, read: NDArray[np.int64], written: NDArray[np.int64]) -> None:
        self.lengths = round_lengths(read + written - 1)

    def load(self, rows: NDArray[np.int64]) -> Batch:
        pairs, length = self._pairs(rows), int(self.lengths[rows].max())
        ids, mask = pad_rows([np.concatenate(pair)[:-1] for pair in pairs], self._pad_id, length)
        targets = [np.r_[np.full(len(read) - 1, IGNORED), written.astype(np.int64)] for read, written in pairs]
        asked = torch.from_numpy(pad_rows(targets, IGNORED, length)[0])
        return Batch(torch.from_numpy(ids), _mask(mask), None, written=asked)


def _mask(mask: NDArray[np.bool_]) -> Tensor | None:
    return None if mask.all() else torch.from_numpy(mask)
