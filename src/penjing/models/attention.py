"""Attention, computed in the way that is fastest where it runs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from penjing.models.dropout import drop

# PyTorch's fused attention multiplies bf16 slowly on a CPU: up to this many tokens a row, attention written out trains
# the layers of a BERT 1.2 to 1.5 times as fast. In fp32, and for longer rows, the fused one is faster.
_LONGEST_PLAIN = 256


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """Returns the values mixed for each query, [batch, heads, time, dim].

    Vaswani et al. 2017, arXiv 1706.03762, eq. 1.

    Args:
        query: [batch, heads, time, dim].
        key: [batch, heads, keys, dim].
        value: [batch, heads, keys, dim].
        mask: true where a key may be looked at, broadcast to [batch, heads, time, keys]; None where all may.
        dropout: share of the weights that is dropped; 0 outside of training.
    """
    is_slow_fused = query.device.type == "cpu" and query.dtype == torch.bfloat16
    if not is_slow_fused or key.shape[-2] > _LONGEST_PLAIN:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
    return drop(attention_weights(query, key, mask), dropout, is_training=dropout > 0) @ value


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    """Returns how much each query looks at each key, [batch, heads, time, keys]; arguments as for `attend`."""
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # [batch, heads, time, keys]
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    # Told the type, or autocast would make it fp32.
    weights: Tensor = scores.softmax(dim=-1, dtype=scores.dtype)
    return weights
