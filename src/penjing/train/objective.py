"""What is learned: an objective turns a batch into inputs and targets, and those into a loss.

The choice of targets is made before the network runs, so that the loss of several batches can be divided by the number
of targets in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.compiler import compiler_options
from penjing.train.cross_entropy import ScorePiece, score_piece, score_piece_in_one_pass


@dataclass(frozen=True)
class Prepared:
    """A batch with its targets.

    Attributes:
        tensors: what `Objective.loss` takes after the network.
        targets: how many predictions are scored.
        tokens: how many real tokens the network reads.
    """

    tensors: tuple[Tensor | None, ...]
    targets: int
    tokens: int


class Objective(Protocol):
    """What a trainer needs to know about what is learned.

    Attributes:
        scores_vocabulary: whether every word of the vocabulary is scored, so that all their embeddings learn.
        added_ids: token ids that `prepare` may put into a batch, int64 [ids].
    """

    @property
    def scores_vocabulary(self) -> bool: ...

    @property
    def added_ids(self) -> Tensor: ...

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        """Chooses inputs and targets; all randomness comes from ``generator``.

        Args:
            batch: rows.
            generator: of random numbers.
            done: share of the training run that is done, 0 to 1; 1 for validation.
        """

    def compile(self, device: torch.device) -> None:
        """Lets what is computed outside of the network's layers be compiled, as far as that pays."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns the summed loss, and the number of right predictions, both scalars."""


def count_tokens(batch: Batch) -> int:
    return batch.ids.numel() if batch.mask is None else int(batch.mask.sum())


class LanguageObjective:
    """What objectives have in common that score the words of the vocabulary."""

    scores_vocabulary = True
    added_ids = torch.empty(0, dtype=torch.int64)  # any word may be put in; all are trained
    score_piece: ScorePiece = staticmethod(score_piece)

    def count_guessed(self, counts: NDArray[np.float64], window: int) -> NDArray[np.float64]:
        """Returns about how often each entry of the vocabulary is to be guessed, or numbers in proportion, [vocab].

        Args:
            counts: how often it comes in the texts.
            window: tokens.
        """
        return counts

    def compile(self, device: torch.device) -> None:
        """Lets the vocabulary be scored by compiled code."""
        self.score_piece = torch.compile(score_piece_in_one_pass, dynamic=False, options=compiler_options(device))
