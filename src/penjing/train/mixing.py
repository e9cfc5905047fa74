"""Rows of several parts, mixed in proportions; validation rows part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from penjing.text.batching import plan_by_length
from penjing.train.batches import Batch, Batches, shuffle_by_length
from penjing.train.pair_batches import PairLimits


@dataclass(frozen=True)
class Part:
    """Some rows of a shard that are of the same kind.

    Attributes:
        name: of the part.
        first: its first row in the shard.
        rows: how many there are.
        weight: factor on its share.
    """

    name: str
    first: int
    rows: int
    weight: float = 1.0


def mixing_shares(parts: Sequence[Part], temperature: float = 1.0, limit: int | None = None) -> NDArray[np.float64]:
    """Returns the share of each part in what is learned from, [parts].

    In proportion to its rows, but to no more than an artificial limit; then to the power of 1 / temperature: 1 leaves
    proportions as they are, a high one makes parts alike (Raffel et al. 2020, arXiv 1910.10683, section 3.5.2); then
    times its weight.

    Args:
        parts: of which rows are mixed.
        temperature: above 0.
        limit: most rows that a part counts for; None: all of them.
    """
    rows = np.array([part.rows if limit is None else min(part.rows, limit) for part in parts], dtype=np.float64)
    rates = rows ** (1 / temperature) * np.array([part.weight for part in parts])
    return np.asarray(rates / rates.sum(), dtype=np.float64)


def rows_an_epoch(parts: Sequence[Part], shares: NDArray[np.float64]) -> list[int]:
    """Returns how many rows of each part are learned from in an epoch, which has as many as all parts together.

    The largest remainders are rounded up; of every part at least one row is learned from.
    """
    wanted = shares * sum(part.rows for part in parts)
    counts = np.floor(wanted + 1e-9).astype(np.int64)
    missing = sum(part.rows for part in parts) - int(counts.sum())
    counts[np.argsort(counts - wanted, kind="stable")[:missing]] += 1
    return [max(1, int(count)) for count in counts]


class MixedBatches:
    """Batches in which the rows of all parts meet, in their shares.

    A part's rows come in drawn orders, one after another: none comes a second time before all have come once.

    Args:
        batches: loads rows by their numbers.
        lengths: tokens in each row, [rows].
        parts: which rows there are; they are numbered one part after another.
        counts: rows of each part in an epoch.
        limits: how large a batch may be.
        seed: decides the order.
    """

    def __init__(
        self,
        batches: Batches,
        lengths: NDArray[np.int64],
        parts: Sequence[Part],
        counts: Sequence[int],
        limits: PairLimits,
        seed: int,
    ) -> None:
        self._batches, self._lengths, self._parts, self._counts = batches, lengths, parts, counts
        self._limits, self._seed = limits, seed

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        chosen = np.concatenate([self._choose(number, epoch) for number in range(len(self._parts))])
        batches = shuffle_by_length(
            self._lengths[chosen], self._limits.tokens, self._limits.rows, [self._seed, len(self._parts), epoch]
        )
        return [chosen[rows] for rows in batches]

    def _choose(self, number: int, epoch: int) -> NDArray[np.int64]:
        """Returns the rows of a part that are learned from in an epoch."""
        part, count = self._parts[number], self._counts[number]
        places = np.arange(epoch * count, (epoch + 1) * count)
        passes = places // part.rows
        orders = {
            int(number_of_pass): np.random.default_rng([self._seed, number, int(number_of_pass)]).permutation(part.rows)
            for number_of_pass in np.unique(passes)
        }
        rows = [orders[int(one)][place % part.rows] for one, place in zip(passes, places, strict=True)]
        return part.first + np.array(rows, dtype=np.int64)

    def load(self, rows: NDArray[np.int64]) -> Batch:
        return self._batches.load(rows)

    def used_ids(self) -> Tensor | None:
        return self._batches.used_ids()


class PartBatches:
    """Rows of several parts in order, for validation: no batch has rows of two parts.

    Args:
        batches: loads rows by their numbers.
        lengths: tokens in each row, [rows].
        parts: which rows there are.
        limits: how large a batch may be.
    """

    def __init__(self, batches: Batches, lengths: NDArray[np.int64], parts: Sequence[Part], limits: PairLimits) -> None:
        self._batches, self._lengths, self._parts, self._limits = batches, lengths, parts, limits

    @property
    def has_one_shape(self) -> bool:
        return False

    def plans(self) -> dict[str, list[NDArray[np.int64]]]:
        """Returns the rows of each batch of each part."""
        plans = {}
        for part in self._parts:
            lengths = self._lengths[part.first : part.first + part.rows]
            plans[part.name] = [
                part.first + rows for rows in plan_by_length(lengths, self._limits.tokens, self._limits.rows)
            ]
        return plans

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        return [rows for plan in self.plans().values() for rows in plan]

    def load(self, rows: NDArray[np.int64]) -> Batch:
        return self._batches.load(rows)

    def used_ids(self) -> Tensor | None:
        return self._batches.used_ids()
