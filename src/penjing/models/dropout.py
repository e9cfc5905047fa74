"""Dropout (Srivastava et al. 2014) whose random numbers cost little on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STEPS = 256  # a byte decides about each number


def drop(values: Tensor, share: float, *, is_training: bool) -> Tensor:
    """Returns the values with a share of them set to zero and the others scaled up, so that the mean stays.

    Drawing a random number for each value is a sixth of a training step of a small BERT on a CPU. There a byte is drawn
    instead, eight with one number of the generator, and ``share`` is rounded to a multiple of 1/256; the scale follows
    the rounded share; compiled code calls the same. On a GPU PyTorch's own dropout is used.
    """
    if not is_training or share == 0.0:
        return values
    dropped = round(share * _STEPS)
    if values.device.type != "cpu" or not 0 < dropped < _STEPS:
        return F.dropout(values, share)
    draw = _draw_in_compiled_code if torch.compiler.is_compiling() else _draw_bytes
    is_kept: Tensor = draw(values) >= dropped
    factor: Tensor = is_kept.to(values.dtype) * (_STEPS / (_STEPS - dropped))
    return values * factor


def _draw_bytes(like: Tensor) -> Tensor:
    """Returns a random byte for each value, uint8, of the same shape."""
    count = like.numel()
    words = torch.empty(-(-count // 8), dtype=torch.int64).random_(-(2**63), None)  # all 64 bits
    return words.view(torch.uint8)[:count].view(like.shape)


# A compiler leaves this as it is. Called elsewhere it would load the compiler, which takes seconds.
_draw_in_compiled_code = torch.library.custom_op(
    "penjing::draw_bytes", mutates_args=(), tags=(torch.Tag.nondeterministic_seeded,)
)(_draw_bytes)


@_draw_in_compiled_code.register_fake
def _(like: Tensor) -> Tensor:
    return like.new_empty(like.shape, dtype=torch.uint8)


class Dropout(nn.Dropout):
    """`drop` as a module."""

    @property
    def share(self) -> float:
        """What is dropped now: nothing outside of training."""
        return self.p if self.training else 0.0

    def forward(self, input: Tensor) -> Tensor:
        return drop(input, self.p, is_training=self.training)
