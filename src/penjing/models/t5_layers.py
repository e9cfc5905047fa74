"""The layers of a T5 (Raffel et al. 2020, arXiv 1910.10683) and of its version 1.1; tensors named as on the hub.

Attention is not scaled by the width of a head: the queries' weights start smaller instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.attention import attend, causal_mask, of_document, product_dtype, same_document
from penjing.models.cache import KeyValueCache, Read
from penjing.models.dropout import Dropout
from penjing.models.relative import relative_bias
from penjing.models.t5_config import FeedForward, T5Config

ACTIVATIONS: Mapping[FeedForward, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gated-gelu": partial(F.gelu, approximate="tanh"),
    "gated-silu": F.silu,
}


class T5Attention(nn.Module):
    """Every token looks at keys, of its own row or of another."""

    def __init__(self, config: T5Config, *, has_bias: bool = False) -> None:
        super().__init__()
        self.width, self.dropout = config.d_kv, Dropout(config.dropout_rate)
        self.q = nn.Linear(config.d_model, config.inner, bias=False)
        self.k = nn.Linear(config.d_model, config.inner, bias=False)
        self.v = nn.Linear(config.d_model, config.inner, bias=False)
        self.o = nn.Linear(config.inner, config.d_model, bias=False)
        if has_bias:
            self.relative_attention_bias = nn.Embedding(config.relative_attention_num_buckets, config.num_heads)

    def keys_and_values(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what can be looked at, each [batch, heads, time, d_kv]."""
        return self._split(self.k(hidden)), self._split(self.v(hidden))

    def forward(self, hidden: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        mixed = attend(self._split(self.q(hidden)), key, value, mask, self.dropout.share, scale=1.0)
        output: Tensor = self.o(mixed.transpose(1, 2).flatten(2))
        return output

    def _split(self, projected: Tensor) -> Tensor:
        return projected.view(*projected.shape[:-1], -1, self.width).transpose(1, 2)


class T5LayerSelfAttention(nn.Module):
    """Attention within a row, on normalized states, added to them."""

    def __init__(self, config: T5Config, *, has_bias: bool) -> None:
        super().__init__()
        self.SelfAttention = T5Attention(config, has_bias=has_bias)
        self.layer_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden: Tensor, mask: Tensor, layer: int, cache: KeyValueCache | None) -> Tensor:
        normed = self.layer_norm(hidden)
        key, value = self.SelfAttention.keys_and_values(normed)
        if cache is not None:
            key, value = cache.put(layer, key, value)
        output: Tensor = hidden + self.dropout(self.SelfAttention(normed, key, value, mask))
        return output


class T5LayerCrossAttention(nn.Module):
    """Attention of the decoder to what the encoder read, added to the decoder's states."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.EncDecAttention = T5Attention(config)
        self.layer_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden: Tensor, read: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        normed = self.layer_norm(hidden)
        # Rows of one text look at the same keys, in any order: they are queries of one row.
        together = normed.reshape(len(read[0]), -1, normed.shape[-1])
        mixed = self.EncDecAttention(together, *read, mask).reshape(hidden.shape)
        output: Tensor = hidden + self.dropout(mixed)
        return output


class T5Dense(nn.Module):
    """A feed-forward network, gated (Shazeer 2020, arXiv 2002.05202) or not."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.activation, self.is_gated = ACTIVATIONS[config.feed_forward_proj], config.is_gated
        if config.is_gated:
            self.wi_0 = nn.Linear(config.d_model, config.d_ff, bias=False)
            self.wi_1 = nn.Linear(config.d_model, config.d_ff, bias=False)
        else:
            self.wi = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wo = nn.Linear(config.d_ff, config.d_model, bias=False)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden: Tensor) -> Tensor:
        inner = self.activation(self.wi_0(hidden) if self.is_gated else self.wi(hidden))
        if self.is_gated:
            inner = inner * self.wi_1(hidden)
        output: Tensor = self.wo(self.dropout(inner))
        return output


class T5LayerFF(nn.Module):
    """The feed-forward network, on normalized states, added to them."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.DenseReluDense = T5Dense(config)
        self.layer_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden: Tensor) -> Tensor:
        output: Tensor = hidden + self.dropout(self.DenseReluDense(self.layer_norm(hidden)))
        return output


class T5Block(nn.Module):
    """The parts of a layer: attention within a row, in a decoder also to the encoder, and a feed-forward network."""

    def __init__(self, config: T5Config, *, has_bias: bool, is_decoder: bool) -> None:
        super().__init__()
        across = [T5LayerCrossAttention(config)] if is_decoder else []
        self.layer = nn.ModuleList([T5LayerSelfAttention(config, has_bias=has_bias), *across, T5LayerFF(config)])

    def forward(
        self,
        hidden: Tensor,
        mask: Tensor,
        read: tuple[Tensor, Tensor] | None,
        real: Tensor | None,
        layer: int,
        cache: KeyValueCache | None,
    ) -> Tensor:
        attend_within, *attend_across, feed_forward = self.layer
        hidden = attend_within(hidden, mask, layer, cache)
        for attend_to_encoder in attend_across:
            hidden = attend_to_encoder(hidden, read, real)
        output: Tensor = feed_forward(hidden)
        return output

    def read(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what this layer of a decoder looks at in the encoder's hidden states."""
        return cast("T5LayerCrossAttention", self.layer[1]).EncDecAttention.keys_and_values(encoded)

    @property
    def position_numbers(self) -> Tensor:
        """What a first layer has learned for distances, [buckets, heads]."""
        return cast("T5LayerSelfAttention", self.layer[0]).SelfAttention.relative_attention_bias.weight


class T5Stack(nn.Module):
    """The encoder's or the decoder's layers; what the first one adds to scores for their distance, all add."""

    def __init__(self, config: T5Config, *, is_decoder: bool) -> None:
        super().__init__()
        self.longest, self.is_decoder = config.relative_attention_max_distance, is_decoder
        layers = config.decoder_layers if is_decoder else config.num_layers
        self.block = nn.ModuleList(
            T5Block(config, has_bias=layer == 0, is_decoder=is_decoder) for layer in range(layers)
        )
        self.final_layer_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(
        self,
        words: Tensor,
        attention_mask: Tensor | None,
        read: Read | None = None,
        cache: KeyValueCache | None = None,
        documents: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Returns the hidden states [batch, time, dim] of word embeddings [batch, time, dim].

        Args:
            words: what this stack reads.
            attention_mask: true where a token of the encoder is real, bool [batch, keys].
            read: what a decoder looks at in the encoder.
            cache: what a decoder read before; takes in what is read now.
            documents: the number of the document of each token that this stack reads, int64 [batch, time], and of each
                that the encoder did, [batch, keys]: tokens look at those of their own only. None: at all. Where it is
                given there is neither padding nor a cache.
        """
        before, time = 0 if cache is None else cache.length, words.shape[1]
        real = None if attention_mask is None else attention_mask[:, None, None, :]
        is_hidden = self.is_decoder and time > 1  # else the one token that is read is the last
        seen = causal_mask(time, before + time, None, None, words.device) if is_hidden else None
        seen = seen if self.is_decoder else real
        if documents is not None:
            same, real = same_document(documents[0]), of_document(*documents)
            seen = same if seen is None else seen & same
        mask = self._position_mask(words, before, seen)
        hidden = self.dropout(words)
        for layer, block in enumerate(self.block):
            hidden = block(hidden, mask, None if read is None else read[layer], real, layer, cache)
        if cache is not None:
            cache.advance(time)
        normed: Tensor = self.dropout(self.final_layer_norm(hidden))
        return normed

    def read(self, encoded: Tensor) -> Read:
        """Returns what each layer of a decoder looks at in the encoder's hidden states [batch, time, dim]."""
        return [cast("T5Block", block).read(encoded) for block in self.block]

    def _position_mask(self, words: Tensor, before: int, seen: Tensor | None) -> Tensor:
        """Returns what is added to every score, in the scores' precision, [1 or batch, heads, time, keys].

        Args:
            words: the embeddings of what is read, [batch, time, dim].
            before: how many tokens were read before.
            seen: true where a key may be looked at, broadcast to [batch, 1, time, keys]; None where all may.
        """
        bias = relative_bias(
            cast("T5Block", self.block[0]).position_numbers,
            time=words.shape[1],
            keys=before + words.shape[1],
            before=before,
            longest=self.longest,
            looks_ahead=not self.is_decoder,
        ).to(product_dtype(words))
        return bias if seen is None else bias.masked_fill(~seen, torch.finfo(bias.dtype).min)
