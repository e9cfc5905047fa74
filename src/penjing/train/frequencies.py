"""How often a language model that is yet to be trained will have to guess, or write, each token."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.text.shards import TokenShard
from penjing.train.batches import Batch, Batches
from penjing.train.cross_entropy import IGNORED
from penjing.train.objective import Objective

_COUNTED_AT_ONCE = 1 << 22  # tokens
_COUNTED_BATCHES = 1000  # say enough, however many there are


class Beginner(Protocol):
    """A language model that learns sooner where it knows how often tokens come, before its first step."""

    def begin(self, shares: Tensor, found: float) -> None:
        """Has the fresh network guess every token as often as it comes, and look where there is something to learn.

        Otherwise frequencies are learned first, and not by a bias, which an optimizer moves by the learning rate a
        step, but by hidden states that are the same for every token. A network that it is not made for stays as it is.

        Args:
            shares: see `count_shares`.
            found: share of what is written that is found in what is read, by equal tokens or a sentinel.
        """


class GuessingObjective(Objective, Protocol):
    """An objective that scores the words of the vocabulary."""

    def count_guessed(self, counts: NDArray[np.float64], window: int) -> NDArray[np.float64]:
        """See `penjing.train.objective.LanguageObjective`."""


def count_shares(shard: TokenShard, entries: int, objective: GuessingObjective, window: int) -> Tensor:
    """Returns the shares of the vocabulary's entries in what is guessed, [entries], float64, none of them zero.

    Each is counted once more than it is guessed.

    Args:
        shard: the texts.
        entries: of the vocabulary.
        objective: says what is guessed of a window.
        window: tokens.
    """
    counts = np.zeros(entries)
    for start in range(0, len(shard.tokens), _COUNTED_AT_ONCE):
        counts += np.bincount(shard.tokens[start : start + _COUNTED_AT_ONCE], minlength=entries)
    guessed = objective.count_guessed(counts, window) + 1
    return torch.from_numpy(guessed / guessed.sum())


def count_written(batches: Batches, entries: int) -> Tensor:
    """Returns the shares of the vocabulary's entries in what is to be written, as `count_shares` does.

    Args:
        batches: the first 1,000 of an epoch are read.
        entries: of the vocabulary.
    """
    counts = torch.ones(entries, dtype=torch.float64)
    for rows in batches.plan(0)[:_COUNTED_BATCHES]:
        written = _written(batches.load(rows))
        counts += torch.bincount(written[written != IGNORED], minlength=entries)
    return counts / counts.sum()


def share_found(batches: Batches, entries: int) -> float:
    """Returns how much of what is to be written stands in the row that is read, the last token of each row aside.

    That mostly is the one that ends a text.

    Args:
        batches: of pairs for an encoder-decoder; as many are read as by `count_written`.
        entries: of the vocabulary.
    """
    found = others = 0
    for rows in batches.plan(0)[:_COUNTED_BATCHES]:
        batch = batches.load(rows)
        written = _written(batch)
        goes_on = (written[:, :-1] != IGNORED) & (written[:, 1:] != IGNORED)
        row = entries * torch.arange(len(written))[:, None]  # tells the tokens of one from those of others
        is_read = torch.isin(written[:, :-1] + row, batch.ids + row)
        found += int((is_read & goes_on).sum())
        others += int(goes_on.sum())
    return found / max(others, 1)


def _written(batch: Batch) -> Tensor:
    assert batch.written is not None
    return batch.written
