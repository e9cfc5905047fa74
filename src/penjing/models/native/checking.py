"""Whether the compiled steps of training compute what PyTorch does."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.native.recurrence import Recur
from penjing.models.native.training import AddNorm, Attend, Gelu

_HIDDEN = 64
_OF_LSTM = ((4 * _HIDDEN, 48), (4 * _HIDDEN, _HIDDEN), (4 * _HIDDEN,), (4 * _HIDDEN,))
_BOUND = 0.02  # on the difference, beside numbers of a size of about one: bf16 has 8 binary digits


def is_right(library: ctypes.CDLL) -> bool:
    """Returns whether results and gradients of small numbers are those of PyTorch in fp32, within bf16's rounding.

    No number of a global generator is drawn.
    """
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, tokens, 16, generator=draw).bfloat16() for tokens in (5, 19, 19))
    mask = torch.rand(2, 1, 5, 19, generator=draw) < 0.8
    mask[..., 0] = True
    added, residual = torch.randn(3, 48, generator=draw).bfloat16(), torch.randn(3, 48, generator=draw)
    weight, bias = torch.randn(2, 48, generator=draw)
    pairs: Sequence[tuple[Callable[..., Tensor], Callable[..., Tensor], Sequence[Tensor]]] = (
        (
            lambda *parts: cast("Tensor", Attend.apply(library, *parts, mask, 0.0, 0.25)),  # type: ignore[no-untyped-call]
            lambda query, key, value: F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=0.25),
            (query, key, value),
        ),
        (
            lambda *parts: cast("Tensor", AddNorm.apply(library, *parts, 1e-5, 0.0)),  # type: ignore[no-untyped-call]
            lambda added, residual, weight, bias: F.layer_norm(added + residual, [48], weight, bias, 1e-5),
            (added, residual, weight, bias),
        ),
        (lambda values: cast("Tensor", Gelu.apply(library, values)), F.gelu, (added,)),  # type: ignore[no-untyped-call]
        (
            lambda *parts: cast("Tensor", Recur.apply(library, *parts)),  # type: ignore[no-untyped-call]
            _recur,
            (
                (0.3 * torch.randn(7, 5, 48, generator=draw)).bfloat16(),
                *(0.1 * torch.randn(*size, generator=draw) for size in _OF_LSTM),
            ),
        ),
    )
    with torch.enable_grad(), torch.autocast("cpu", enabled=False):
        return all(_agree(fused, plain, parts, draw) for fused, plain, parts in pairs)


def _recur(inputs: Tensor, *parts: Tensor) -> Tensor:
    """Returns what PyTorch's LSTM of these weights makes of inputs."""
    layer = nn.LSTM(inputs.shape[-1], _HIDDEN, batch_first=True, device="meta")
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    hidden: Tensor = torch.func.functional_call(layer, dict(zip(names, parts, strict=True)), (inputs,))[0]
    return hidden


def _agree(
    fused: Callable[..., Tensor], plain: Callable[..., Tensor], parts: Sequence[Tensor], draw: torch.Generator
) -> bool:
    mine = [part.clone().requires_grad_() for part in parts]
    others = [part.float().requires_grad_() for part in parts]
    given, expected = fused(*mine), plain(*others)
    slope = torch.randn(given.shape, generator=draw).to(given.dtype)
    found = [given, *torch.autograd.grad(given, mine, slope)]
    wanted = [expected, *torch.autograd.grad(expected, others, slope.float())]
    # A comparison with what is not a number is false.
    return all(
        bool(((one.float() - other).abs() <= _BOUND * (1 + other.abs())).all())
        for one, other in zip(found, wanted, strict=True)
    )
