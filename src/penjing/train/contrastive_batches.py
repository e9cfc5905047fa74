"""Batches in which rows of several classes meet, and of each class at least two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from penjing.errors import DataError
from penjing.text.shards import TokenShard
from penjing.train.batches import Batch, RowBatches

_FEWEST = 2  # of a class: one alone would have nothing to be like


class ContrastiveBatches:
    """A fixed number of batches, each drawn anew: as many rows of each class as of any other.

    Where there are more classes than a batch holds in twos, a part of them is drawn first.

    Args:
        shard: the rows and their labels.
        pad_id: fills shorter rows.
        batch_tokens: the most tokens in a batch, were all rows as long as the longest.
        batch_rows: the most rows in a batch.
        batches: how many.
        seed: decides the draws.

    Raises:
        DataError: a class has one row, or rows are so long that a batch cannot hold two of two classes.
    """

    def __init__(
        self, shard: TokenShard, pad_id: int, batch_tokens: int, batch_rows: int, batches: int, seed: int
    ) -> None:
        self._rows = RowBatches(shard, pad_id, batch_tokens, batch_rows, seed)
        self._batches, self._seed = batches, seed
        self._members = [np.flatnonzero(shard.labels == number) for number in np.unique(shard.labels)]
        longest, fewest = int(shard.lengths.max()), min(map(len, self._members))
        self._most = min(batch_rows, batch_tokens // longest)
        if fewest < _FEWEST or len(self._members) < _FEWEST:
            raise DataError(
                "rows are compared with others of their class and of other classes, and "
                + ("there is one class only" if fewest >= _FEWEST else "a class has one row only"),
                do="Give at least two rows of at least two labels.",
            )
        if self._most < _FEWEST * _FEWEST:
            raise DataError(
                f"a batch of {batch_rows} rows and {batch_tokens:,} tokens cannot hold two rows of two classes: the "
                f"longest row has {longest:,} tokens",
                do="Raise batch_rows or batch_tokens under [finetune], or lower [render] max_tokens.",
            )

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        rng = np.random.default_rng([self._seed, epoch])
        return [self._draw(rng) for _ in range(self._batches)]

    def _draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draws the rows of one batch."""
        count = min(len(self._members), self._most // _FEWEST)
        chosen = np.sort(rng.permutation(len(self._members))[:count])
        return np.concatenate([rng.permutation(self._members[number])[: self._most // count] for number in chosen])

    def load(self, rows: NDArray[np.int64]) -> Batch:
        return self._rows.load(rows)

    def used_ids(self) -> Tensor | None:
        return self._rows.used_ids()
