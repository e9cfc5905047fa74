"""A network whose adapter is computed beside its matrices: what a merged one is compared with."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.adapter import add_whole_adapter, read_pairs


class _Apart(nn.Module):
    """A linear layer and an adapter that are computed one after the other."""

    def __init__(self, linear: nn.Linear, first: Tensor, second: Tensor, scale: float) -> None:
        super().__init__()
        self.linear, self.first, self.second, self.scale = linear, first, second, scale

    @property
    def weight(self) -> Tensor:
        """Both in one, for a head whose matrix the network multiplies by itself."""
        return self.linear.weight + self.second @ self.first * self.scale

    def forward(self, hidden: Tensor) -> Tensor:
        whole: Tensor = self.linear(hidden)
        return whole + F.linear(F.linear(hidden, self.first), self.second) * self.scale


def put_apart(network: nn.Module, adapter: Path) -> nn.Module:
    """Lets a network compute an adapter beside its matrices; what was trained whole takes the place of its own.

    Raises:
        ModelFolderError: the adapter does not fit.
    """
    pairs = read_pairs(network, adapter)
    linears = {name: network.get_submodule(name) for name in pairs}
    before = {name: linear.weight.detach().clone() for name, linear in linears.items() if isinstance(linear, nn.Linear)}
    add_whole_adapter(network, adapter)
    for name, (first, second, scale) in pairs.items():
        linear = linears[name]
        assert isinstance(linear, nn.Linear)
        with torch.no_grad():
            linear.weight.copy_(before[name])
        network.set_submodule(name, _Apart(linear, first, second, scale))
    return network.eval()
