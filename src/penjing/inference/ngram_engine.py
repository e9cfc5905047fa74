"""Scores rows by a network with n-grams beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.inference.engine import LabelScorer
from penjing.text.ngrams import NgramTable, mix


@dataclass(frozen=True)
class NgramEngine:
    """Scores sequences by what scores labels and by n-grams: of each logit a share is theirs.

    Attributes:
        inner: what scores labels, by a network.
        table: of the n-grams.
        share: of the n-grams, above 0 and below 1.
    """

    inner: LabelScorer
    table: NgramTable
    share: float

    @property
    def network(self) -> nn.Module:
        """The network alone."""
        return self.inner.network

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self.inner.device

    def score(self, sequences: list[list[int]]) -> NDArray[np.float64]:
        """Returns the logits of each sequence of token ids, [sequences, labels], in the order given."""
        return mix(self.inner.score(sequences), self.table.score(sequences), self.share)
