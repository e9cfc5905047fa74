"""Where training takes its batches from: windows of a packed corpus, or labelled rows of like length.

The plan of an epoch follows from the seed and the epoch's number alone, so a resumed run needs only a place in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.errors import DataError
from penjing.text.batching import gather_rows, plan_by_length, round_lengths
from penjing.text.shards import TokenShard

_TOKENS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Batch:
    """Rows ready for a network.

    Attributes:
        ids: token ids, int64 [batch, time].
        mask: true where a token is real, [batch, time]; None where nothing is padding.
        labels: classes, int64 [batch]; None where there are none.
        documents: the number of the document that a token is of, int64 [batch, time]; None where tokens of all
            documents in a row may look at each other.
        written: what is learned to be written, int64 [batch, targets], `IGNORED` where nothing is; None where the
            objective finds that in ``ids``.
        token_types: as `penjing.text.segments.token_types` has them, int64 [batch, time]; None:
            all are 0.
        spans: the first and the last token of what is to be found, int64 [batch, 2]; None where nothing is.
        reference: log-probability of each row of ``written`` under another model, float64 [rows]; None where there is
            none to compare with.
        taught: logits of teachers, [batch, teachers, labels]; None where they were not asked.
    """

    ids: Tensor
    mask: Tensor | None
    labels: Tensor | None
    documents: Tensor | None = None
    written: Tensor | None = None
    token_types: Tensor | None = None
    spans: Tensor | None = None
    reference: Tensor | None = None
    taught: Tensor | None = None


class Batches(Protocol):
    """A source of batches."""

    @property
    def has_one_shape(self) -> bool:
        """Whether all batches have the same shape (then compiling pays)."""

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        """Returns the rows of each batch of an epoch, in order."""

    def load(self, rows: NDArray[np.int64]) -> Batch:
        """Reads the rows of one batch."""

    def used_ids(self) -> Tensor | None:
        """Returns the token ids that occur, padding among them, each once; None where that is not looked up."""


class WindowBatches:
    """Windows of fixed length over a corpus laid end to end; every epoch in a new order, nothing padded.

    Args:
        shard: the documents.
        window_tokens: tokens in a window; the rest at the end that fills no window is left out.
        batch_tokens: the most tokens in a batch.
        seed: decides the order.
        shuffled: false for validation, where each window counts once and the last batch may have fewer.
        tells_documents: whether batches say which document a token is of, so that attention can stop at the borders.

    Raises:
        DataError: the corpus does not fill one window.
    """

    def __init__(
        self,
        shard: TokenShard,
        window_tokens: int,
        batch_tokens: int,
        seed: int,
        *,
        shuffled: bool = True,
        tells_documents: bool = False,
    ) -> None:
        self._tokens, self._window, self._seed, self._shuffled = shard.tokens, window_tokens, seed, shuffled
        self._borders = shard.offsets if tells_documents else None
        self.windows = len(shard.tokens) // window_tokens
        self._rows = min(max(1, batch_tokens // window_tokens), self.windows)
        if not self.windows:
            raise DataError(
                f"the corpus has {len(shard.tokens):,} tokens, less than one window of {window_tokens} tokens",
                do="Give more text, or lower pretrain.window_tokens.",
            )

    @property
    def has_one_shape(self) -> bool:
        return self._shuffled or not self.windows % self._rows

    @property
    def repeated(self) -> int:
        """How many windows of an epoch are read a second time, to fill its last batch."""
        return -self.windows % self._rows if self._shuffled else 0

    @property
    def batch_tokens(self) -> int:
        """Tokens of a batch: as many whole windows as it may have, and as there are."""
        return self._rows * self._window

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        if not self._shuffled:
            return np.array_split(np.arange(self.windows), range(self._rows, self.windows, self._rows))
        order = np.random.default_rng([self._seed, epoch]).permutation(self.windows)
        return list(np.concatenate([order, order[: self.repeated]]).reshape(-1, self._rows))

    def load(self, rows: NDArray[np.int64]) -> Batch:
        window = self._window
        ids = np.stack([self._tokens[row * window : (row + 1) * window] for row in rows]).astype(np.int64)
        if self._borders is None:
            return Batch(torch.from_numpy(ids), None, None)
        places = rows[:, None] * window + np.arange(window)  # [batch, time], in the corpus
        documents = np.searchsorted(self._borders, places, side="right")
        return Batch(torch.from_numpy(ids), None, None, torch.from_numpy(documents))

    def used_ids(self) -> Tensor | None:
        return None


class RowBatches:
    """Labelled rows, batched by length.

    Args:
        shard: the rows and their labels.
        pad_id: fills shorter rows.
        batch_tokens: the most tokens in a batch, padding included.
        batch_rows: the most rows in a batch.
        seed: decides the order.
        shuffled: false for validation.
        few_lengths: pads rows to one of few lengths, so that memory does not grow with each new one (`round_lengths`);
            nothing is gained by it where a network computes token after token.
    """

    def __init__(
        self,
        shard: TokenShard,
        pad_id: int,
        batch_tokens: int,
        batch_rows: int,
        seed: int,
        *,
        shuffled: bool = True,
        few_lengths: bool = False,
    ) -> None:
        self._shard, self._pad_id, self._seed, self._shuffled = shard, pad_id, seed, shuffled
        self._batch_tokens, self._batch_rows = batch_tokens, batch_rows
        self._lengths = round_lengths(shard.lengths) if few_lengths else shard.lengths  # as they are padded

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        if not self._shuffled:
            return plan_by_length(self._lengths, self._batch_tokens, self._batch_rows)
        return shuffle_by_length(self._lengths, self._batch_tokens, self._batch_rows, [self._seed, epoch])

    def load(self, rows: NDArray[np.int64]) -> Batch:
        length = int(self._lengths[rows].max())
        ids, mask = gather_rows(self._shard.tokens, self._shard.offsets, rows, self._pad_id, length)
        return Batch(
            ids=torch.from_numpy(ids),
            mask=None if mask.all() else torch.from_numpy(mask),
            labels=torch.from_numpy(self._shard.labels[rows]),
        )

    def used_ids(self) -> Tensor | None:
        return used_tokens(self._shard, self._pad_id)


def used_tokens(shard: TokenShard, pad_id: int) -> Tensor:
    """Returns the token ids that occur in a shard, and that of padding, each once."""
    tokens = shard.tokens
    occurs = np.zeros(max(int(tokens.max()), pad_id) + 1, dtype=np.bool_)
    occurs[pad_id] = True
    for start in range(0, len(tokens), _TOKENS_AT_ONCE):  # the shard stays on disk
        occurs[tokens[start : start + _TOKENS_AT_ONCE]] = True
    return torch.from_numpy(np.flatnonzero(occurs))


def shuffle_by_length(
    lengths: NDArray[np.int64], most_tokens: int, most_rows: int, seed: list[int]
) -> list[NDArray[np.int64]]:
    """Returns the rows of each batch, of like length, in a drawn order; which rows of one length meet is drawn too.

    Args:
        lengths: tokens in each row, [rows].
        most_tokens: in a batch, padding included.
        most_rows: in a batch.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(lengths))
    batches = plan_by_length(lengths[order], most_tokens, most_rows)
    return [order[batches[i]] for i in rng.permutation(len(batches))]
