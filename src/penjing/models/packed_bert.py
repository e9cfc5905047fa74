"""BERT over rows laid end to end, so that no product is computed of padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.errors import UsageError
from penjing.models.attention import attend
from penjing.models.bert import BertForSequenceClassification
from penjing.models.bert_layers import BertLayer


@dataclass(frozen=True)
class _Places:
    """Where tokens of packed rows lie.

    Attributes:
        rows: how many there are.
        longest: tokens of the longest.
        real: place of each token in padded rows, laid end to end, int64 [tokens]; None where nothing is padding.
        positions: of each token in its row, int64 [tokens].
        starts: place of each row's first token among all, int64 [rows].
        mask: true where a token is real, bool [rows, longest]; None where nothing is padding.
    """

    rows: int
    longest: int
    real: Tensor | None
    positions: Tensor
    starts: Tensor
    mask: Tensor | None

    @classmethod
    def of(cls, lengths: np.ndarray) -> _Places:
        """Returns those of rows of so many tokens."""
        rows, longest = len(lengths), int(lengths.max())
        mask = np.arange(longest) < lengths[:, None]
        flat = np.flatnonzero(mask)
        starts = torch.from_numpy(np.cumsum(lengths) - lengths)
        positions = torch.from_numpy(flat % longest)
        if len(flat) == rows * longest:
            return cls(rows, longest, None, positions, starts, None)
        return cls(rows, longest, torch.from_numpy(flat), positions, starts, torch.from_numpy(mask))

    def pad(self, packed: Tensor) -> Tensor:
        """Returns packed states [tokens, dim] as padded ones, [rows, longest, dim]; padding is 0."""
        if self.real is None:
            return packed.view(self.rows, self.longest, -1)
        padded = packed.new_zeros(self.rows * self.longest, packed.shape[1])
        padded[self.real] = packed
        return padded.view(self.rows, self.longest, -1)

    def pack(self, padded: Tensor) -> Tensor:
        """Returns padded states [rows, longest, dim] as packed ones, [tokens, dim]."""
        flat = padded.reshape(self.rows * self.longest, -1)
        return flat if self.real is None else flat[self.real]


@dataclass(frozen=True)
class _Linear:
    """A product, in one precision."""

    weight: Tensor
    bias: Tensor

    @classmethod
    def of(cls, layers: Sequence[nn.Linear], dtype: torch.dtype) -> _Linear:
        """Returns layers that read the same as one."""
        weight = torch.cat([layer.weight for layer in layers]).detach().to(dtype).contiguous()
        return cls(weight, torch.cat([layer.bias for layer in layers]).detach().to(dtype))

    def __call__(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden.to(self.weight.dtype), self.weight, self.bias)


class _Layer:
    """A layer of a BERT: its products in one precision, sums and normalizations in fp32."""

    def __init__(self, layer: BertLayer, dtype: torch.dtype) -> None:
        attention = layer.attention.self
        self._heads, self._activation = attention.heads, layer.intermediate.activation
        self._all = _Linear.of([attention.query, attention.key, attention.value], dtype)
        self._mixed = _Linear.of([layer.attention.output.dense], dtype)
        self._inner = _Linear.of([layer.intermediate.dense], dtype)
        self._outer = _Linear.of([layer.output.dense], dtype)
        self._norms = layer.attention.output.LayerNorm, layer.output.LayerNorm

    def __call__(self, hidden: Tensor, places: _Places) -> Tensor:
        """Returns the next states, [tokens, dim]."""
        query, key, value = (self._split(part) for part in places.pad(self._all(hidden)).chunk(3, dim=-1))
        mask = None if places.mask is None else places.mask[:, None, None, :]
        mixed = attend(query, key, value, mask, 0.0).transpose(1, 2)  # [rows, longest, heads, dim / heads]
        return self._finish(places.pack(mixed), hidden)

    def _finish(self, mixed: Tensor, hidden: Tensor) -> Tensor:
        attended: Tensor = self._norms[0](self._mixed(mixed).float() + hidden)
        inner = self._activation(self._inner(attended))
        finished: Tensor = self._norms[1](self._outer(inner).float() + attended)
        return finished

    def _split(self, projected: Tensor) -> Tensor:
        rows, time, _ = projected.shape
        return projected.view(rows, time, self._heads, -1).transpose(1, 2)  # [rows, heads, time, dim / heads]


class PackedClassifier:
    """Scores rows as the network that it is made of, whose weights it shares in fp32 and copies otherwise.

    Args:
        network: a classifier; it is not trained any more.
        dtype: of the products: ``float32``, or ``bfloat16``, in which logits differ by about a hundredth.
    """

    def __init__(self, network: BertForSequenceClassification, dtype: torch.dtype = torch.float32) -> None:
        self._network, self.dtype = network, dtype
        self._layers = [_Layer(cast("BertLayer", layer), dtype) for layer in network.bert.encoder.layer]

    @torch.inference_mode()
    def score(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Returns the logits of rows of token ids, fp32 [rows, labels].

        Raises:
            UsageError: a row is longer than the model's positions.
        """
        places = _Places.of(np.array([len(row) for row in rows], dtype=np.int64))
        hidden = self._embed(rows, places)
        for layer in self._layers:
            hidden = layer(hidden, places)
        logits: Tensor = self._network.classifier(self._pool(hidden, places))
        return logits

    def _embed(self, rows: Sequence[Sequence[int]], places: _Places) -> Tensor:
        embeddings = self._network.bert.embeddings
        longest = embeddings.position_embeddings.num_embeddings
        if places.longest > longest:
            raise UsageError(
                f"a row of {places.longest} tokens does not fit into the {longest} positions of this model",
                do="Lower [render] max_tokens, or the window of pretraining.",
            )
        ids = torch.from_numpy(np.concatenate([np.asarray(row, dtype=np.int64) for row in rows]))
        words: Tensor = embeddings.word_embeddings(ids) + embeddings.position_embeddings(places.positions)
        normed: Tensor = embeddings.LayerNorm(words + embeddings.token_type_embeddings.weight[0])
        return normed

    def _pool(self, hidden: Tensor, places: _Places) -> Tensor:
        if self._network.pooling is not None:
            pooled: Tensor = self._network.pooling(places.pad(hidden), places.mask)
            return pooled
        pooler = self._network.bert.pooler
        assert pooler is not None
        first: Tensor = pooler(hidden[places.starts])
        return first
