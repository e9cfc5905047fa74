"""AdamW, or Muon for the layers' matrices and AdamW for the rest, with other learning rates for parts if asked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import torch
from torch import Tensor, nn

from penjing.models.lora import adapter_names
from penjing.train.adamw import OnePassAdamW, library_for
from penjing.train.frozen import trained_parameters
from penjing.train.settings import TrainSettings

if TYPE_CHECKING:
    from penjing.models.interface import Network

_LAYER = re.compile(r"\.(?:block|layer|layers)\.(\d+)\.")


class Optimizer(Protocol):
    """What the trainer and its checkpoints need of an optimizer.

    Attributes:
        state: what it remembers of each parameter, by name.
        param_groups: its groups; each has ``lr`` and our ``scale``.
        stepping: by what it changes the weights, ``compiled`` code or ``PyTorch``.
    """

    state: defaultdict[Tensor, Any]
    param_groups: list[dict[str, Any]]
    stepping: str

    def gradient_norm(self) -> Tensor:
        """Returns the root of the sum of all gradients' squares, []."""

    def step(self, factor: float) -> None:
        """Takes a step along the gradients times a factor."""

    def zero_grad(self) -> None:
        """Takes away all gradients."""


class TorchOptimizers:
    """PyTorch's optimizers, each over other parameters, as one.

    Args:
        parameters: all that are trained.
        optimizers: which step in this order.
    """

    stepping = "PyTorch"

    def __init__(self, parameters: Sequence[Tensor], *optimizers: torch.optim.Optimizer) -> None:
        self._parameters, self._optimizers = parameters, optimizers
        self.state: defaultdict[Tensor, Any] = defaultdict(dict)
        for optimizer in optimizers:
            optimizer.state = self.state
        self.param_groups = [group for optimizer in optimizers for group in optimizer.param_groups]

    def gradient_norm(self) -> Tensor:
        return nn.utils.get_total_norm(self._gradients())

    def step(self, factor: float) -> None:
        if factor != 1.0:
            torch._foreach_mul_(self._gradients(), factor)
        for optimizer in self._optimizers:
            optimizer.step()

    def zero_grad(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None

    def _gradients(self) -> list[Tensor]:
        return [parameter.grad for parameter in self._parameters if parameter.grad is not None]


def build_optimizer(
    network: nn.Module, settings: TrainSettings, copies: Mapping[Tensor, Tensor] | None = None
) -> Optimizer:
    """Returns the optimizer that the settings name, over all parameters that are trained.

    ``adamw`` is AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101). With ``muon`` the matrices inside the layers are
    trained by Muon (Jordan et al. 2024), its steps scaled to those of AdamW, so that learning rate and weight decay
    mean the same (Liu et al. 2025, arXiv 2502.16982, section 2.2); embeddings, output layer, vectors and adapters by
    AdamW.

    Biases, normalization weights and other vectors are not decayed. With ``layer_decay`` below 1 the learning rate of
    layer i of n is multiplied by ``layer_decay ** (n - i)``, that of the embeddings by ``layer_decay ** (n + 1)``
    (Howard & Ruder 2018, arXiv 1801.06146; Clark et al. 2020, arXiv 2003.10555); an encoder's and a decoder's layers
    count side by side. The network's ``input_embeddings`` have the factor ``embedding_rate`` besides; with 0 they are
    not trained, and above 1 they decay as they would without. Each group keeps its factor as ``scale``.

    Args:
        network: whose parameters are trained.
        settings: which optimizer, and how.
        copies: bf16 copies of some parameters, which `OnePassAdamW` keeps like them.
    """
    words = input_embeddings(network).weight
    if settings.embedding_rate == 0:
        words.requires_grad_(False)
    layers = 1 + max((_layer_of(name) for name, _ in network.named_parameters()), default=-1)
    inner = _layer_matrices(network) if settings.optimizer == "muon" else frozenset()
    by_adamw: dict[tuple[float, float], list[Tensor]] = {}
    by_muon: dict[tuple[float, float], list[Tensor]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        decay = settings.weight_decay if parameter.ndim >= 2 else 0.0
        if parameter is words:
            decay /= max(1.0, settings.embedding_rate)
        scale = settings.layer_decay ** (layers + 1 if parameter is words else _depth_below_head(name, layers))
        scale *= settings.embedding_rate if parameter is words else 1.0
        (by_muon if name in inner else by_adamw).setdefault((decay, scale), []).append(parameter)
    betas, epsilon = (0.9, settings.beta2), 1e-8
    groups = _groups(by_adamw)  # their rates are 0: the schedule sets them before every step
    trained = list(trained_parameters(network).values())
    library = library_for(settings.optimizer, trained)
    if library is not None:
        return OnePassAdamW(groups, betas, epsilon, copies or {}, library)
    adamw = torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=epsilon, fused=True)
    if not by_muon:
        return TorchOptimizers(trained, adamw)
    return TorchOptimizers(trained, torch.optim.Muon(_groups(by_muon), lr=0.0, adjust_lr_fn="match_rms_adamw"), adamw)


def _groups(parts: dict[tuple[float, float], list[Tensor]]) -> list[dict[str, Any]]:
    return [
        {"params": parameters, "weight_decay": decay, "scale": scale} for (decay, scale), parameters in parts.items()
    ]


def _layer_matrices(network: nn.Module) -> frozenset[str]:
    """Returns the names of the matrices inside the layers, tables of embeddings and adapters not among them."""
    tables = {f"{name}.weight" for name, module in network.named_modules() if isinstance(module, nn.Embedding)}
    matrices = {name for name, parameter in network.named_parameters() if parameter.ndim == 2 and _layer_of(name) >= 0}
    return frozenset(matrices - tables - adapter_names(network))


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


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Sets the learning rate of every group, times the group's factor."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["scale"]
