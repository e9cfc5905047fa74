"""Runs a network over many sequences of token ids, batched by length."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.text.batching import pad_rows, plan_by_length


class LabelScorer(Protocol):
    """What scores labels."""

    @property
    def network(self) -> nn.Module:
        """By which it does."""

    @property
    def device(self) -> torch.device:
        """Where that computes."""

    def score(self, sequences: list[list[int]]) -> NDArray[np.float64]:
        """Returns the logits of each sequence of token ids, [sequences, labels], in the order given."""


class Engine:
    """Scores sequences with a classifier, in fp32.

    Args:
        network: takes ids [batch, time] and a mask or None, gives logits [batch, labels].
        pad_id: fills shorter sequences.
        batch_tokens: most tokens in a batch, padding included.
    """

    def __init__(self, network: nn.Module, pad_id: int, batch_tokens: int = 16384) -> None:
        self.network = network.eval()
        self._pad_id, self._batch_tokens = pad_id, batch_tokens
        self.device = next(network.parameters()).device

    @torch.inference_mode()
    def score(self, sequences: list[list[int]]) -> NDArray[np.float64]:
        """Returns the logits of each sequence, [sequences, labels], in the order given."""
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        full, empty = np.flatnonzero(lengths), np.flatnonzero(lengths == 0)
        batches = [full[rows] for rows in plan_by_length(lengths[full], self._batch_tokens, max_rows=len(sequences))]
        parts, order = [], []
        for rows in [*batches, empty] if len(empty) else batches:  # apart, for rows beside them would lend their length
            ids, mask = pad_rows([sequences[row] for row in rows], self._pad_id, length=1)
            padding = None if mask.all() else torch.from_numpy(mask).to(self.device)
            logits = self.network(torch.from_numpy(ids).to(self.device), padding)
            parts.append(logits.double().cpu().numpy())
            order.append(rows)
        scores = np.concatenate(parts)
        result = np.empty_like(scores)
        result[np.concatenate(order)] = scores
        return result
