"""Batches of prompts with two answers each: all preferred answers, then the others in the same order."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.text.batching import pad_rows, plan_by_length
from penjing.text.shards import TokenShard
from penjing.train.batches import Batch, shuffle_by_length
from penjing.train.cross_entropy import IGNORED
from penjing.train.pair_batches import PairLimits

Tokens = NDArray[np.integer]


class PreferenceBatches:
    """Pairs of answers; both of a pair are in one batch. A plan's rows are pairs.

    Args:
        shard: rows ``2 i`` and ``2 i + 1`` hold a prompt with its preferred and with its other answer; the label of a
            row is the length of the prompt.
        reference: log-probability of the answer in each row under the model that training starts from, [rows].
        pad_id: fills shorter rows.
        limits: how large a batch may be; its rows are pairs.
        seed: decides the order.
        reads_first: whether prompts are read by an encoder, once for both answers; else ``ids`` are whole rows but the
            last token, and ``written`` is what follows each.
        shuffled: false for validation.
    """

    def __init__(
        self,
        shard: TokenShard,
        reference: NDArray[np.float64],
        pad_id: int,
        limits: PairLimits,
        seed: int,
        *,
        reads_first: bool,
        shuffled: bool = True,
    ) -> None:
        self._shard, self._reference, self._pad_id = shard, reference, pad_id
        self._limits, self._seed, self._reads_first, self._shuffled = limits, seed, reads_first, shuffled

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        lengths = 2 * self._shard.lengths.reshape(-1, 2).max(axis=1)  # both answers of a pair are padded alike
        tokens, rows = self._limits.tokens, self._limits.rows
        if not self._shuffled:
            return plan_by_length(lengths, tokens, rows)
        return shuffle_by_length(lengths, tokens, rows, [self._seed, epoch])

    def load(self, rows: NDArray[np.int64]) -> Batch:
        answers = np.concatenate([2 * rows, 2 * rows + 1])
        pairs = [self._take_apart(int(row)) for row in answers]
        written = [answer.astype(np.int64) for _, answer in pairs]
        if self._reads_first:
            given = [prompt for prompt, _ in pairs[: len(rows)]]
        else:
            given = [np.concatenate(pair)[:-1] for pair in pairs]
            written = [np.r_[np.full(len(prompt) - 1, IGNORED), answer] for prompt, answer in pairs]
        ids, mask = pad_rows(given, self._pad_id)
        return Batch(
            ids=torch.from_numpy(ids),
            mask=None if mask.all() else torch.from_numpy(mask),
            labels=None,
            written=torch.from_numpy(pad_rows(written, IGNORED)[0]),
            reference=torch.from_numpy(self._reference[answers]),
        )

    def used_ids(self) -> Tensor | None:
        return None

    def _take_apart(self, row: int) -> tuple[Tokens, Tokens]:
        """Returns the prompt and the answer of a row."""
        tokens, border = self._shard.row(row), int(self._shard.labels[row])
        return tokens[:border], tokens[border:]
