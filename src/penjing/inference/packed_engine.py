"""Scores sequences with a BERT classifier on a CPU, computing nothing of padding."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.inference.engine import Engine
from penjing.models.bert import BertForSequenceClassification
from penjing.models.packed_bert import PackedClassifier
from penjing.text.batching import plan_by_length

_BATCH_TOKENS = 8192  # with its padding; more gain nothing
_SPREAD = 48  # only attention is computed of padding: rows of one batch may differ by so many tokens


class PackedEngine:
    """Scores sequences, as `penjing.inference.engine.Engine` does.

    Args:
        network: the classifier; from now on its weights may not change.
        dtype: of the products: ``float32``, which differs from the plain engine by rounding alone, or ``bfloat16``.

    Attributes:
        network: by which it scores.
        device: where that computes.
    """

    def __init__(self, network: BertForSequenceClassification, dtype: torch.dtype = torch.float32) -> None:
        self.network: nn.Module = network.eval()
        self.device = next(network.parameters()).device
        self._packed = PackedClassifier(network, dtype)
        self._plain = Engine(network, network.config.pad_token_id)

    def score(self, sequences: list[list[int]]) -> NDArray[np.float64]:
        """Returns the logits of each sequence, [sequences, labels], in the order given."""
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        full, empty = np.flatnonzero(lengths), np.flatnonzero(lengths == 0)
        planned = plan_by_length(lengths[full], _BATCH_TOKENS, max_rows=len(sequences), max_spread=_SPREAD)
        batches = [full[rows] for rows in planned]
        parts = [self._packed.score([sequences[row] for row in rows]).double().numpy() for rows in batches]
        if len(empty):  # a row of no tokens has no place among packed ones
            batches.append(empty)
            parts.append(self._plain.score([[]]).repeat(len(empty), axis=0))
        result = np.empty((len(sequences), parts[0].shape[1]))
        result[np.concatenate(batches)] = np.concatenate(parts)
        return result
