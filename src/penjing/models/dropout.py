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
    the rounded share. On a GPU, and where the step is compiled, PyTorch's own dropout is used.
    """
    if not is_training or share == 0.0:
        return values
    dropped = round(share * _STEPS)
    if values.device.type != "cpu" or torch.compiler.is_compiling() or not 0 < dropped < _STEPS:
        return F.dropout(values, share)
    count = values.numel()
    words = torch.empty(-(-count // 8), dtype=torch.int64).random_(-(2**63), None)  # all 64 bits
    bytes_ = words.view(torch.uint8)[:count].view(values.shape)
    factor = (bytes_ >= dropped).to(values.dtype).mul_(_STEPS / (_STEPS - dropped))
    return values * factor


class Dropout(nn.Dropout):
    """`drop` as a module."""

    def forward(self, input: Tensor) -> Tensor:
        return drop(input, self.p, is_training=self.training)
