"""How often a language model that is yet to be trained will have to guess, or write, each token."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.text.shards import TokenShard
from penjing.train.batches import Batches
from penjing.train.cross_entropy import IGNORED
from penjing.train.objective import Objective

_COUNTED_AT_ONCE = 1 << 22  # tokens


class Beginner(Protocol):
    """A language model that learns sooner where it knows how often tokens come, before its first step.

    Attributes:
        beginning: how it begins; another text where `begin` sets other weights than before.
    """

    beginning: ClassVar[str]

    def begin(self, shares: Tensor) -> None:
        """Has the fresh network guess every token as often as it comes, and look where there is something to learn.

        Otherwise frequencies are learned first, and not by a bias, which an optimizer moves by the learning rate a
        step, but by hidden states that are the same for every token. A network that it is not made for stays as it is.

        Args:
            shares: see `count_shares`.
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


def count_written_shares(batches: Batches, entries: int) -> Tensor:
    """Returns the shares of the vocabulary's entries in what is to be written, as `count_shares` does.

    Args:
        batches: an epoch of them is read.
        entries: of the vocabulary.
    """
    counts = torch.ones(entries, dtype=torch.float64)
    for rows in batches.plan(0):
        written = batches.load(rows).written
        assert written is not None
        counts += torch.bincount(written[written != IGNORED], minlength=entries)
    return counts / counts.sum()
