"""AdamW with weight decay on matrices only and, if asked, other learning rates for embeddings and lower layers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from penjing.train.settings import TrainSettings

if TYPE_CHECKING:
    from penjing.models.interface import Network

_LAYER = re.compile(r"\.(?:layer|layers)\.(\d+)\.")


def build_optimizer(network: nn.Module, settings: TrainSettings) -> torch.optim.AdamW:
    """Returns AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) over all parameters.

    Biases, normalization weights and other vectors are not decayed. With ``layer_decay`` below 1 the learning rate of
    layer i of n is multiplied by ``layer_decay ** (n - i)``, that of the embeddings by ``layer_decay ** (n + 1)``
    (Howard & Ruder 2018, arXiv 1801.06146; Clark et al. 2020, arXiv 2003.10555). The network's ``input_embeddings``
    have the factor ``embedding_rate`` besides; with 0 they are not trained. Each group keeps its factor as ``scale``.
    """
    words = input_embeddings(network).weight
    words.requires_grad_(settings.embedding_rate > 0)
    layers = 1 + max((_layer_of(name) for name, _ in network.named_parameters()), default=-1)
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        decay = settings.weight_decay if parameter.ndim >= 2 else 0.0
        scale = settings.layer_decay ** _depth_below_head(name, layers)
        scale *= settings.embedding_rate if parameter is words else 1.0
        groups.setdefault((decay, scale), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "weight_decay": decay, "scale": scale}
            for (decay, scale), parameters in groups.items()
        ],
        lr=0.0,  # the schedule sets it before every step
        betas=(0.9, settings.beta2),
        eps=1e-8,
        fused=True,
    )


def input_embeddings(network: nn.Module) -> nn.Embedding:
    """Returns the vectors of the vocabulary."""
    return cast("Network", network).input_embeddings


def _layer_of(name: str) -> int:
    match = _LAYER.search(name)
    return int(match.group(1)) if match else -1


def _depth_below_head(name: str, layers: int) -> int:
    if "embed" in name:
        return layers + 1
    layer = _layer_of(name)
    return layers - layer if layer >= 0 else 0


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Sets the learning rate of every group, times the group's factor."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["scale"]
