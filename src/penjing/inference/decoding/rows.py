"""What a decoder computes in one step: tokens of many texts, each a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

BLOCK = 16  # tokens whose keys and values lie together


@dataclass(frozen=True)
class Rows:
    """Tokens that are read in one step; those of a text follow each other, at rising positions.

    Attributes:
        ids: tokens, int32 [rows].
        positions: where each stands in its text, int32 [rows].
        begins: the first row of each text, and the number of rows, int32 [texts + 1].
        tables: the blocks that hold each text's keys and values, in order, int32 [texts, most].
        wanted: the rows after which the next token is scored, int32 [wanted], rising.
    """

    ids: NDArray[np.int32]
    positions: NDArray[np.int32]
    begins: NDArray[np.int32]
    tables: NDArray[np.int32]
    wanted: NDArray[np.int32]


class Stepper(Protocol):
    """What computes steps.

    Attributes:
        vocab: entries of the vocabulary.
        blocks: of keys and values that there is room for, `BLOCK` tokens each.
        longest_row: tokens that fit into the model's positions.
    """

    vocab: int
    blocks: int
    longest_row: int

    def step(self, rows: Rows) -> Tensor:
        """Reads tokens, keeps their keys and values, and returns the logits that are wanted, fp32 [wanted, vocab].

        They last until the next step.
        """

    def copy(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copies the keys and values of some blocks into others; none is both."""

    def close(self) -> None:
        """Lets go of threads and memory."""
