"""Fine-tuning with adapters: they and what holds nothing learned yet are trained, everything else is frozen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, cast

from torch import nn

from penjing.models.lora import LoraShape, adaptable, choose, inject
from penjing.models.quantized import quantize
from penjing.train.settings import LoraSettings

if TYPE_CHECKING:
    from penjing.models.interface import Network


def lora_shape(settings: LoraSettings) -> LoraShape:
    """Returns what all adapters have in common."""
    return LoraShape(settings.rank, settings.alpha, settings.dropout, settings.rank_stabilized)


def adapted_names(network: nn.Module, settings: LoraSettings, adapted: Sequence[str]) -> list[str]:
    """Returns the matrices of the backbone that are given adapters.

    Args:
        network: a classifier without adapters.
        settings: may name targets.
        adapted: the family's own, else.
    """
    backbone = {id(parameter) for parameter in cast("Network", network).backbone.parameters()}
    names = [name for name, matrix in adaptable(network).items() if id(matrix) in backbone]
    return choose(names, adapted if settings.targets is None else settings.targets)


def adapt(
    network: nn.Module, settings: LoraSettings, adapted: Sequence[str], fresh: Collection[str], seed: int
) -> None:
    """Gives adapters to a network, and freezes all but them and what is fresh; quantizes what is frozen if asked to.

    Args:
        network: a classifier that holds what was learned before; is changed in place.
        settings: rank, scale and targets, and how the base is held.
        adapted: the family's own targets.
        fresh: names of the parameters that hold nothing learned yet, such as the classifier's.
        seed: decides the adapters' random numbers.
    """
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in fresh)
    names = adapted_names(network, settings, adapted)
    if settings.base is not None:
        quantize(network, _frozen_linears(network), settings.base)
    inject(network, names, lora_shape(settings), seed)


def _frozen_linears(network: nn.Module) -> list[str]:
    """Returns the names of the backbone's linear layers that are not trained."""
    backbone = {id(module) for module in cast("Network", network).backbone.modules()}
    return [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and id(module) in backbone and not module.weight.requires_grad
    ]
