"""Steps of training that the compiled library computes in one pass each, with their gradients, on a CPU in bf16."""

from __future__ import annotations

import ctypes
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from penjing.models.native.compiling import CannotCompileError, open_library

_SOURCE = Path(__file__).parent / "training.cpp"
_VECTOR = 16  # numbers that the library takes at once
_MOST_KEYS = 512  # that its attention knows
_MOST_NUMBERS = 2**31
_PARTIAL_ROWS = 64  # its sums over all rows are made of sums over so many


class _Strides(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("row", "head", "token"))

    @classmethod
    def of(cls, tensor: Tensor) -> _Strides:
        """Returns those of a tensor [rows, heads, tokens, width]."""
        return cls(*tensor.stride()[:3])


class _Attention(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("rows", "heads", "queries", "keys", "width")),
        ("scale", ctypes.c_float),
        *((name, _Strides) for name in ("query", "key", "value", "mask")),
        ("mask_key", ctypes.c_int64),
    )


@cache
def training_library() -> ctypes.CDLL | None:
    """Returns the library, compiled where that was not done yet; None where it cannot be had, or computes wrongly.

    That it computes what PyTorch does is seen on small numbers each time it is opened: compilers have been wrong about
    processors.
    """
    try:
        library = open_library(_SOURCE, more_flags=("-fopenmp",))
    except CannotCompileError:
        return None
    from penjing.models.native.checking import is_right

    if is_right(library):
        return library
    warnings.warn(
        "the compiled steps of training compute wrongly on this processor; PyTorch computes them, slower", stacklevel=2
    )
    return None


def can_fuse(tensor: Tensor) -> bool:
    """Returns whether what is made of a tensor here and now may be computed by the library: in training, on a CPU."""
    return (
        tensor.dtype == torch.bfloat16
        and tensor.device.type == "cpu"
        and tensor.requires_grad
        and torch.is_grad_enabled()
        and tensor.shape[-1] % _VECTOR == 0
        and 0 < tensor.numel() < _MOST_NUMBERS
        and not torch.compiler.is_compiling()
        and training_library() is not None
    )


def can_attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> bool:
    """Returns whether attention of these may be computed by the library; arguments as for `attend_fused`."""
    return (
        query.dtype == key.dtype == value.dtype
        and key.shape[2] <= _MOST_KEYS
        and query.shape[:2] == key.shape[:2]
        and key.shape == value.shape
        and (mask is None or mask.dtype == torch.bool)
        and can_fuse(query)
    )


def attend_fused(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float, scale: float
) -> Tensor:
    """Returns the values mixed for each query, [batch, heads, time, dim]; see `penjing.models.attention.attend`.

    Sums are fp32. Nothing but queries, keys and values is kept for the gradient, the weights are computed again (Dao
    et al. 2022, arXiv 2205.14135).
    """
    mixed: Tensor = Attend.apply(training_library(), query, key, value, mask, dropout, scale)  # type: ignore[no-untyped-call]
    return mixed


def add_and_norm_fused(added: Tensor, residual: Tensor, norm: nn.LayerNorm, dropout: float) -> Tensor:
    """Returns the normalized sum of a residual and of what dropout leaves of ``added``, fp32 [..., dim].

    Args:
        added: bf16 [..., dim].
        residual: fp32 [..., dim].
        norm: what the sum passes.
        dropout: share of ``added`` that is dropped.
    """
    normed: Tensor = AddNorm.apply(training_library(), added, residual, norm.weight, norm.bias, norm.eps, dropout)  # type: ignore[no-untyped-call]
    return normed


def gelu_fused(values: Tensor) -> Tensor:
    """Returns GELU (Hendrycks & Gimpel 2016, arXiv 1606.08415) of bf16 numbers."""
    activated: Tensor = Gelu.apply(training_library(), values)  # type: ignore[no-untyped-call]
    return activated


def _draw_dropout(share: float) -> tuple[ctypes.c_int, ctypes.c_uint64]:
    """Returns what decides which numbers are dropped: how many of 256, and a seed."""
    dropped = round(share * 256)
    seed = int(torch.empty((), dtype=torch.int64).random_(-(2**63), None)) if dropped else 0
    return ctypes.c_int(dropped), ctypes.c_uint64(seed)


def at(tensor: Tensor | None) -> ctypes.c_void_p:
    """Returns where a tensor's numbers begin."""
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


def _side_by_side(tensor: Tensor) -> Tensor:
    """Returns a tensor whose last dimension's numbers lie side by side."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


class Attend(torch.autograd.Function):
    """`attend_fused` by a given library."""

    @staticmethod
    def forward(
        ctx: Any,
        library: ctypes.CDLL,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        dropout: float,
        scale: float,
    ) -> Tensor:
        query, key, value = _side_by_side(query), _side_by_side(key), _side_by_side(value)
        rows, heads, time, width = query.shape
        if mask is not None:
            mask = mask.expand(rows, heads, time, key.shape[2])
        shape = _Attention(
            *(rows, heads, time, key.shape[2], width, scale),
            *(_Strides.of(tensor) for tensor in (query, key, value)),
            *((_Strides(), 0) if mask is None else (_Strides.of(mask), mask.stride(3))),
        )
        ctx.save_for_backward(query, key, value, mask)
        ctx.library, ctx.shape, ctx.dropped = library, shape, _draw_dropout(dropout)
        mixed = query.new_empty(rows, time, heads, width)
        library.penjing_attend(ctypes.byref(shape), at(query), at(key), at(value), at(mask), *ctx.dropped, at(mixed))
        return mixed.transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, mask = ctx.saved_tensors
        given = _side_by_side(given)
        to_query, to_key, to_value = _gradients_of(query, key, value)
        ctx.library.penjing_attend_back(
            *(ctypes.byref(ctx.shape), at(query), at(key), at(value), at(mask), *ctx.dropped),
            *(at(given), ctypes.byref(_Strides.of(given))),
            *(ctypes.c_int64(to_query.stride(1)), ctypes.c_int64(to_key.stride(1))),
            *(at(to_query), at(to_key), at(to_value)),
        )
        return None, *(tensor.transpose(1, 2) for tensor in (to_query, to_key, to_value)), None, None, None


def _gradients_of(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns room for the gradients of queries, keys and values, each [rows, tokens, heads, width].

    What one product made lies side by side, and so do its gradients: together they are that of the product.
    """
    rows, heads, tokens, width = key.shape
    memories = [part.untyped_storage().data_ptr() for part in (query, key, value)]
    if memories[1] != memories[2]:
        return query.new_empty(query.transpose(1, 2).shape), *key.new_empty(2, rows, tokens, heads, width)
    beside = 3 if memories[0] == memories[1] and query.shape == key.shape else 2
    room = key.new_empty(rows, tokens, beside, heads, width)
    to_query = room[:, :, 0] if beside == 3 else query.new_empty(query.transpose(1, 2).shape)
    return to_query, room[:, :, -2], room[:, :, -1]


class AddNorm(torch.autograd.Function):
    """`add_and_norm_fused` by a given library."""

    @staticmethod
    def forward(
        ctx: Any,
        library: ctypes.CDLL,
        added: Tensor,
        residual: Tensor,
        weight: Tensor,
        bias: Tensor,
        epsilon: float,
        dropout: float,
    ) -> Tensor:
        added, residual = added.contiguous(), residual.contiguous()
        dim = added.shape[-1]
        rows = added.numel() // dim
        normed, kept = torch.empty_like(residual), residual.new_empty(2, rows)  # means, inverted deviations
        ctx.library, ctx.shape, ctx.dropped = library, (rows, dim), _draw_dropout(dropout)
        library.penjing_add_norm(
            *(rows, dim, at(added), at(residual), at(weight), at(bias), ctypes.c_float(epsilon)),
            *(*ctx.dropped, at(normed), at(kept[0]), at(kept[1])),
        )
        ctx.save_for_backward(added, residual, weight, kept)
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor | None, ...]:
        added, residual, weight, kept = ctx.saved_tensors
        (rows, dim), given = ctx.shape, given.contiguous()
        to_added, to_residual = torch.empty_like(added), torch.empty_like(residual)
        sums = residual.new_empty(2 * -(-rows // _PARTIAL_ROWS) + 2, dim)
        ctx.library.penjing_add_norm_back(
            *(rows, dim, at(given), at(added), at(residual), at(weight), at(kept[0]), at(kept[1])),
            *(*ctx.dropped, at(to_added), at(to_residual), at(sums[2:]), at(sums[0]), at(sums[1])),
        )
        return None, to_added, to_residual, sums[0], sums[1], None, None


class Gelu(torch.autograd.Function):
    """`gelu_fused` by a given library."""

    @staticmethod
    def forward(ctx: Any, library: ctypes.CDLL, values: Tensor) -> Tensor:
        values = values.contiguous()
        activated, slopes = torch.empty_like(values), torch.empty_like(values)
        library.penjing_gelu(ctypes.c_int64(values.numel()), at(values), at(activated), at(slopes))
        ctx.save_for_backward(slopes)
        return activated

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return None, given * slopes
