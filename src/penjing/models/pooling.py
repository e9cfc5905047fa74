"""One vector for a row of many: over the real tokens alone."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PoolingKind = Literal["mean", "max", "mean_max", "attention"]


def mean_over_tokens(hidden: Tensor, mask: Tensor | None) -> Tensor:
    """Returns the mean of the real tokens, [batch, dim]; zeros for a row without any.

    Args:
        hidden: [batch, time, dim].
        mask: true where a token is real, [batch, time]; None where all are.
    """
    if mask is None:
        return hidden.mean(dim=1)
    weights = mask.to(hidden.dtype)[..., None]  # [batch, time, 1]
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def max_over_tokens(hidden: Tensor, mask: Tensor | None) -> Tensor:
    """Returns the largest value of each dimension among the real tokens, [batch, dim]; zeros for a row without any."""
    if mask is None:
        return hidden.amax(dim=1)
    largest = hidden.masked_fill(~mask[..., None], float("-inf")).amax(dim=1)
    return largest.masked_fill(~mask.any(dim=1, keepdim=True), 0.0)


class AttentionPooling(nn.Module):
    """A mean whose weights are learned (Yang et al. 2016, Hierarchical Attention Networks, eq. 5 to 7).

    Args:
        dim: width of the hidden states.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dense = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, 1, bias=False)

    def weigh(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Returns the weight of each token, [batch, time], fp32 at least; zero for padding."""
        scores: Tensor = self.query(torch.tanh(self.dense(hidden))).squeeze(-1)  # [batch, time]
        scores = scores.float() if scores.dtype == torch.bfloat16 else scores
        if mask is None:
            return scores.softmax(dim=1)
        # Not minus infinity: a row of nothing but padding would give weights that are no numbers.
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=1)
        return weights * mask

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Returns the weighted mean, [batch, dim]."""
        return (self.weigh(hidden, mask)[..., None] * hidden).sum(dim=1)


class Pooling(nn.Module):
    """Pools hidden states [batch, time, dim] into [batch, ``width``].

    Args:
        kind: ``mean``, ``max``, both beside each other, or ``attention``.
        dim: width of the hidden states.
    """

    def __init__(self, kind: PoolingKind, dim: int) -> None:
        super().__init__()
        self.kind = kind
        self.width = 2 * dim if kind == "mean_max" else dim
        self.attention = AttentionPooling(dim) if kind == "attention" else None

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        if self.attention is not None:
            pooled: Tensor = self.attention(hidden, mask)
            return pooled
        if self.kind == "mean":
            return mean_over_tokens(hidden, mask)
        if self.kind == "max":
            return max_over_tokens(hidden, mask)
        return torch.cat([mean_over_tokens(hidden, mask), max_over_tokens(hidden, mask)], dim=-1)

    def weigh(self, hidden: Tensor) -> Tensor:
        """Returns how much of each token is in the result, [batch, time], where nothing is padding.

        For ``max``, the share of dimensions that the token decides.
        """
        if self.attention is not None:
            return self.attention.weigh(hidden, None)
        even = torch.full(hidden.shape[:2], 1 / hidden.shape[1], dtype=hidden.dtype, device=hidden.device)
        if self.kind == "mean":
            return even
        decided = F.one_hot(hidden.argmax(dim=1), hidden.shape[1]).to(hidden.dtype).mean(dim=1)
        return decided if self.kind == "max" else (even + decided) / 2
