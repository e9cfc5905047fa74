"""Steps that a layer takes between its products, computed in the way that is fastest where it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
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
    parts = [part.to(dtype) for part in (*(layer.weight for layer in layers), *(layer.bias for layer in layers))]
    projected: Sequence[Tensor] = _Project.apply(states.to(dtype), *parts)  # type: ignore[no-untyped-call]
    return projected


class _Project(torch.autograd.Function):
    """One product of states and several matrices of one shape; a vector is added for each."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        """Args: states [..., dim], matrices [width, dim], as many vectors [width]; returns [..., width] for each."""
        count = len(parts) // 2
        weight, bias = _join(parts[:count]), _join(parts[count:])
        ctx.save_for_backward(states, weight)
        ctx.count = count
        return F.linear(states, weight, bias).chunk(count, dim=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor | None, ...]:
        states, weight = ctx.saved_tensors
        rows = _join_columns([part.flatten(end_dim=-2) for part in given])
        back = (rows @ weight).view(states.shape) if ctx.needs_input_grad[0] else None
        if not any(ctx.needs_input_grad[1:]):
            return back, *(None,) * (2 * ctx.count)
        to_weights, to_biases = rows.T @ states.flatten(end_dim=-2), rows.sum(dim=0)
        return back, *to_weights.chunk(ctx.count), *to_biases.chunk(ctx.count)


def _join(parts: Sequence[Tensor]) -> Tensor:
    """Returns tensors of one shape one after another; where they lie so already, what is there."""
    first = parts[0]
    if not (first.is_contiguous() and _lie_apart(parts, first.numel())):
        return torch.cat(list(parts))
    numbers = first.as_strided((len(parts) * first.numel(),), (1,))
    return numbers.view(len(parts) * first.shape[0], *first.shape[1:])


def _join_columns(parts: Sequence[Tensor]) -> Tensor:
    """Returns matrices of one shape side by side; where they lie so already, what is there."""
    first = parts[0]
    rows, width = first.shape
    if not (first.stride(1) == 1 and first.stride(0) == len(parts) * width and _lie_apart(parts, width)):
        return torch.cat(list(parts), dim=1)
    return first.as_strided((rows, len(parts) * width), first.stride())


def _lie_apart(parts: Sequence[Tensor], numbers: int) -> bool:
    """Returns whether tensors of the same strides begin so many numbers apart in one piece of memory."""
    first = parts[0]
    size, memory = numbers * first.element_size(), first.untyped_storage().data_ptr()
    return all(
        part.data_ptr() == first.data_ptr() + i * size
        and part.stride() == first.stride()
        and part.untyped_storage().data_ptr() == memory
        for i, part in enumerate(parts)
    )
