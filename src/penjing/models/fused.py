"""Steps that a layer takes between its products, computed in the way that is fastest where it runs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.dropout import drop
from penjing.models.native.training import add_and_norm_fused, can_fuse, gelu_fused


def gelu(values: Tensor) -> Tensor:
    """Returns GELU (Hendrycks & Gimpel 2016, arXiv 1606.08415)."""
    return gelu_fused(values) if can_fuse(values) else F.gelu(values)


def add_and_norm(added: Tensor, residual: Tensor, norm: nn.LayerNorm, dropout: float) -> Tensor:
    """Returns the normalized sum of a residual and of what dropout leaves of ``added``, [..., dim].

    Args:
        added: [..., dim].
        residual: [..., dim].
        norm: what the sum passes.
        dropout: share of ``added`` that is dropped; 0 outside of training.
    """
    if residual.dtype == norm.weight.dtype == torch.float32 and can_fuse(added):
        return add_and_norm_fused(added, residual, norm, dropout)
    normed: Tensor = norm(drop(added, dropout, is_training=dropout > 0) + residual)
    return normed


def project_together(states: Tensor, layers: Sequence[nn.Linear]) -> Sequence[Tensor]:
    """Returns what linear layers of one width make of the same states, each [..., width].

    In bf16 training on a CPU they are one product: it reads the states once, and so does its gradient.

    Args:
        states: [..., dim].
        layers: each makes [..., width] of them.
    """
    is_low = torch.is_autocast_enabled("cpu") and states.device.type == "cpu" and torch.is_grad_enabled()
    if not is_low or torch.compiler.is_compiling() or any(type(layer) is not nn.Linear for layer in layers):
        return [layer(states) for layer in layers]
    dtype = torch.get_autocast_dtype("cpu")
    weight = torch.cat([layer.weight.to(dtype) for layer in layers])
    bias = torch.cat([layer.bias.to(dtype) for layer in layers])
    return F.linear(states, weight, bias).chunk(len(layers), dim=-1)
