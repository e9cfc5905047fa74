"""bf16 copies of the linear layers' weights, in whose place they stand while gradients are made.

Autocast makes such copies at every step, and turns the gradients of each back into fp32: of a small network that is a
tenth of the step. Here the optimizer writes the copies, and reads gradients in bf16 (Micikevicius et al. 2018, arXiv
1710.03740). The numbers are those of autocast, which too makes one copy for all of a step: where a layer is called
several times for one loss, its gradients are added up in bf16.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from penjing.train.adamw import library_for
from penjing.train.frozen import trained_parameters
from penjing.train.layers import outermost_layers
from penjing.train.settings import TrainSettings

_LINE = 32  # bf16 numbers that fill a cache line, where each copy begins


class LowWeights:
    """The copies of some weights.

    Args:
        parameters: which are copied, fp32 on a CPU. Those of one shape whose size is a multiple of 32, and that come
            one after another, lie so in memory too: what needs several at once need not join them.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        starts = np.cumsum([0, *(-(-parameter.numel() // _LINE) * _LINE for parameter in parameters)]).tolist()
        numbers = torch.zeros(starts[-1], dtype=torch.bfloat16)
        self.copies: dict[Tensor, Tensor] = {
            parameter: numbers[start : start + parameter.numel()].view(parameter.shape)
            for parameter, start in zip(parameters, starts, strict=False)
        }

    def refresh(self) -> None:
        """Copies the weights as they are now."""
        for parameter, copy in self.copies.items():
            copy.copy_(parameter.detach())

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """For a while the layers have the copies, and get their gradients in bf16."""
        kept = [(parameter, parameter.data) for parameter in self.copies]
        try:
            for parameter, copy in self.copies.items():
                parameter.data = copy
            yield
        finally:
            for parameter, weights in kept:
                parameter.data = weights


def lower_weights(
    network: nn.Module, settings: TrainSettings, device: torch.device, precision: torch.dtype
) -> LowWeights:
    """Returns copies of the weights and biases of linear layers inside the network's layers.

    Not of those that another module has too. There are none where they would not be kept, or where gradients of several
    batches would be added up in bf16.
    """
    is_low = device.type == "cpu" and precision == torch.bfloat16 and settings.accumulate == 1
    if not is_low or library_for(settings.optimizer, trained_parameters(network).values()) is None:
        return LowWeights(())
    holders: Counter[Tensor] = Counter(
        parameter for module in network.modules() for parameter in module._parameters.values() if parameter is not None
    )
    inner = [module for layer in outermost_layers(network) for module in layer.modules() if type(module) is nn.Linear]
    parts = [*(layer.weight for layer in inner), *(layer.bias for layer in inner if layer.bias is not None)]
    return LowWeights([part for part in parts if holders[part] == 1 and part.dtype == torch.float32])
