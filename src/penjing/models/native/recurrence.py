"""An LSTM's way through all steps in training, computed by the compiled library on a CPU in bf16.

PyTorch's goes through the steps with all rows at once, so that threads meet at each; here each thread takes its rows
through all of them, and the products that need no step before them are made at once for all.
"""

from __future__ import annotations

import ctypes
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from penjing.models.native.training import at, training_library

_WIDE = 64  # of which the number of hidden states is a multiple
_MOST_NUMBERS = 2**31


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int) for name in ("rows", "steps", "hidden"))


def can_recur(layer: nn.Module, inputs: Tensor) -> TypeGuard[nn.LSTM]:
    """Returns whether what a layer makes of inputs here and now may be computed by `recur_fused`.

    In training on a CPU, by autocast in bf16; and where the layer is PyTorch's LSTM itself, of one layer and direction.
    """
    return (
        type(layer) is nn.LSTM
        and _is_called_plainly(layer)
        and torch.is_grad_enabled()
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and inputs.device.type == "cpu"
        and inputs.ndim == 3
        and not torch.compiler.is_compiling()
        and (layer.num_layers, layer.bidirectional, layer.batch_first, layer.bias) == (1, False, True, True)
        and layer.proj_size == 0
        and layer.hidden_size % _WIDE == 0
        and 0 < inputs.shape[0] * inputs.shape[1] * 4 * layer.hidden_size < _MOST_NUMBERS
        and all(part.dtype == torch.float32 for part in layer.parameters())
        and training_library() is not None
    )


def _is_called_plainly(layer: nn.LSTM) -> bool:
    """Returns whether calling a layer only computes it: it is not recomputed, and nothing is hooked on to it."""
    return "forward" not in vars(layer) and not layer._forward_hooks and not layer._forward_pre_hooks


def recur_fused(layer: nn.LSTM, inputs: Tensor) -> Tensor:
    """Returns the hidden states of all steps, bf16 [rows, steps, hidden], from a state of zeros.

    Products are of numbers in bf16, their sums, the cells and what the gates compute are fp32.

    Args:
        layer: one for which `can_recur`.
        inputs: [rows, steps, inputs].
    """
    parts = (layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0)
    hidden: Tensor = Recur.apply(training_library(), inputs, *parts)  # type: ignore[no-untyped-call]
    return hidden


class Recur(torch.autograd.Function):
    """`recur_fused` by a given library."""

    @staticmethod
    def forward(
        ctx: Any,
        library: ctypes.CDLL,
        inputs: Tensor,
        input_weight: Tensor,
        weight: Tensor,
        input_bias: Tensor,
        bias: Tensor,
    ) -> Tensor:
        inputs, input_weight, weight = inputs.bfloat16().contiguous(), input_weight.bfloat16(), weight.contiguous()
        gates = F.linear(inputs, input_weight, (input_bias + bias).bfloat16())  # [rows, steps, 4 hidden]
        shape = _Shape(*inputs.shape[:2], weight.shape[1])
        hidden = inputs.new_empty(shape.rows, shape.steps, shape.hidden)
        cells = torch.empty_like(hidden, dtype=torch.float32)
        library.penjing_lstm(ctypes.byref(shape), at(weight), at(gates), at(cells), at(hidden))
        ctx.save_for_backward(inputs, input_weight, weight, gates, cells, hidden)
        ctx.library, ctx.shape = library, shape
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor | None, ...]:
        inputs, input_weight, weight, gates, cells, hidden = ctx.saved_tensors
        given, slopes = given.contiguous(), torch.empty_like(gates)
        ctx.library.penjing_lstm_back(ctypes.byref(ctx.shape), at(weight), at(gates), at(cells), at(given), at(slopes))
        to_inputs = slopes @ input_weight if ctx.needs_input_grad[1] else None
        if not any(ctx.needs_input_grad[2:]):
            return None, to_inputs, None, None, None, None
        before = F.pad(hidden, (0, 0, 1, -1))  # the states that each step began with
        rows = slopes.flatten(end_dim=1)
        products = rows.T @ torch.cat([inputs, before], dim=-1).flatten(end_dim=1)
        to_bias = rows.sum(dim=0)
        width = inputs.shape[-1]
        return None, to_inputs, products[:, :width], products[:, width:], to_bias, to_bias
