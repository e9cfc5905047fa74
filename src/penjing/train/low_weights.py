"""bf16 copies of the linear layers' weights, in whose place they stand while gradients are made.

Autocast makes such copies at every step, and turns the gradients of each back into fp32: of a small network that is a
tenth of the step. Here the optimizer writes the copies, and reads gradients in bf16 (Micikevicius et al. 2018, arXiv
1710.03740). The numbers are the same: what is rounded is rounded once, as before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from penjing.train.adamw import adamw_library
from penjing.train.settings import TrainSettings

_LINE = 32  # bf16 numbers that fill a cache line, where each copy begins


class LowWeights:
    """The copies of some layers' weights.

    Args:
        modules: all of a network; of its linear layers weights and biases are copied, unless another has them too.
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        modules = list(modules)
        holders: Counter[Tensor] = Counter(
            p for module in modules for p in module._parameters.values() if p is not None
        )
        layers = [module for module in modules if type(module) is nn.Linear]
        # Weights of layers beside one another lie so too, and then their biases: what needs several need not join them.
        parameters = [*(layer.weight for layer in layers), *(layer.bias for layer in layers if layer.bias is not None)]
        low = [p for p in parameters if holders[p] == 1 and p.dtype == torch.float32]
        ends = np.cumsum([0, *(-(-p.numel() // _LINE) * _LINE for p in low)]).tolist()
        numbers = torch.zeros(ends[-1], dtype=torch.bfloat16)
        self.copies: dict[Tensor, Tensor] = {
            p: numbers[start : start + p.numel()].view(p.shape) for p, start in zip(low, ends, strict=False)
        }

    def refresh(self) -> None:
        """Copies the weights as they are now."""
        for parameter, copy in self.copies.items():
            copy.copy_(parameter.detach())

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """For a while the layers have the copies, and get their gradients in bf16."""
        kept = [(parameter, parameter.data) for parameter in self.copies]
        for parameter, copy in self.copies.items():
            parameter.data = copy
        try:
            yield
        finally:
            for parameter, weights in kept:
                parameter.data = weights


def lower_weights(
    network: nn.Module, settings: TrainSettings, device: torch.device, precision: torch.dtype
) -> LowWeights:
    """Returns copies of a network's weights; none where they would not be kept, or gradients be added up in bf16."""
    is_low = device.type == "cpu" and precision == torch.bfloat16
    is_kept = settings.accumulate == 1 and settings.optimizer == "adamw" and adamw_library() is not None
    return LowWeights(network.modules() if is_low and is_kept else ())
