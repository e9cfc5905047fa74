"""Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): a frozen matrix W learns through W + scale · B A.

A is [rank, in], random, and B is [out, rank], zero at the start, so that a network with adapters begins as what it was.
The frozen matrices keep their names; the adapters' are ``lora.A`` and ``lora.B`` below the layer that they adapt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.dropout import drop
from penjing.models.quantized import QuantizedLinear, as_linear

_OF_LSTM = ("weight_ih_l0", "weight_hh_l0")


@dataclass(frozen=True)
class LoraShape:
    """What all adapters of a network have in common.

    Attributes:
        rank: rows of A, and columns of B.
        alpha: the product is multiplied by alpha / rank.
        dropout: share of the numbers going into A that is dropped in training.
        rank_stabilized: multiply by alpha / √rank instead (Kalajdzievski 2023, arXiv 2312.03732).
    """

    rank: int
    alpha: float
    dropout: float = 0.0
    rank_stabilized: bool = False

    @property
    def scale(self) -> float:
        """What the product is multiplied by."""
        return self.alpha / (math.sqrt(self.rank) if self.rank_stabilized else self.rank)


class LowRank(nn.Module):
    """The product of two thin matrices.

    Args:
        weight: the matrix that it is added to, [out, in].
        shape: rank and scale.
        generator: of A, which is uniform within the root of ``in``, inverted, as a fresh linear layer of PyTorch.
    """

    def __init__(self, weight: Tensor, shape: LoraShape, generator: torch.Generator) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.scale = shape.scale
        first = torch.empty(shape.rank, columns).uniform_(-1, 1, generator=generator) * columns**-0.5
        self.A = nn.Parameter(first.to(weight.device, weight.dtype))
        self.B = nn.Parameter(torch.zeros(rows, shape.rank, device=weight.device, dtype=weight.dtype))

    def forward(self, hidden: Tensor) -> Tensor:
        """Returns what is added to the layer's output, [..., out], for its input, [..., in]."""
        return F.linear(F.linear(hidden, self.A) * self.scale, self.B)

    def product(self) -> Tensor:
        """Returns what is added to the matrix, [out, in]."""
        return self.B @ self.A * self.scale


class LoraLinear(nn.Module):
    """A frozen linear layer with an adapter.

    Args:
        linear: the layer, whose parameters it holds from now on.
        shape: of the adapter.
        generator: of its random numbers.
    """

    def __init__(self, linear: nn.Linear, shape: LoraShape, generator: torch.Generator) -> None:
        super().__init__()
        self.weight, self.bias, self.dropout = linear.weight, linear.bias, shape.dropout
        self.lora = LowRank(linear.weight, shape, generator)

    def forward(self, hidden: Tensor) -> Tensor:
        adapted: Tensor = self.lora(drop(hidden, self.dropout, is_training=self.training))
        return F.linear(hidden, self.weight, self.bias) + adapted

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Returns a linear layer that computes the same."""
        return as_linear(self.weight + self.lora.product(), self.bias)


class LoraQuantized(QuantizedLinear):
    """A linear layer whose matrix is held in few bits, with an adapter (Dettmers et al. 2023, arXiv 2305.14314, eq. 5).

    Args:
        linear: the layer, whose parameters it holds from now on.
        shape: of the adapter.
        generator: of its random numbers.
    """

    def __init__(self, linear: QuantizedLinear, shape: LoraShape, generator: torch.Generator) -> None:
        nn.Module.__init__(self)
        self.codes, self.scales, self.bias = linear.codes, linear.scales, linear.bias
        self.shape, self.dtype, self.dropout = linear.shape, linear.dtype, shape.dropout
        self.lora = LowRank(linear.weight, shape, generator)

    def forward(self, hidden: Tensor) -> Tensor:
        adapted: Tensor = self.lora(drop(hidden, self.dropout, is_training=self.training))
        return super().forward(hidden) + adapted

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Returns a linear layer that computes the same, and holds its matrix whole."""
        return as_linear(self.weight + self.lora.product(), self.bias)


class LoraLstm(nn.Module):
    """A frozen LSTM of one layer with an adapter for each of its two matrices.

    A fused LSTM takes its matrices whole, so the products are made first, and nothing is dropped before A.

    Args:
        lstm: the layer, whose parameters it holds from now on.
        shape: of the adapters.
        generator: of their random numbers.
        adapted: which matrices have one.
    """

    def __init__(
        self, lstm: nn.LSTM, shape: LoraShape, generator: torch.Generator, adapted: Iterable[str] = _OF_LSTM
    ) -> None:
        super().__init__()
        assert lstm.num_layers == 1
        assert lstm.batch_first
        assert not lstm.bidirectional
        self.sizes = (lstm.input_size, lstm.hidden_size)
        for name, parameter in lstm.named_parameters():
            setattr(self, name, parameter)
        self.lora = nn.ModuleDict({name: LowRank(getattr(self, name), shape, generator) for name in adapted})

    def forward(
        self, hidden: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        if state is None:
            zeros = hidden.new_zeros(1, len(hidden), self.sizes[1])
            state = zeros, zeros
        biases = [getattr(self, name) for name in ("bias_ih_l0", "bias_hh_l0")]
        weights = [*(self._weight(name) for name in _OF_LSTM), *biases]
        output, last, cell = torch.lstm(hidden, state, weights, True, 1, 0.0, self.training, False, True)
        return output, (last, cell)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Leaves the layer as it is: PyTorch's compiler does not look into a fused LSTM, and fails at this one."""

    def _weight(self, name: str) -> Tensor:
        weight: Tensor = getattr(self, name)
        return weight + self.lora[name].product() if name in self.lora else weight  # type: ignore[operator]

    @torch.no_grad()
    def merged(self) -> nn.LSTM:
        """Returns an LSTM that computes the same."""
        lstm = nn.LSTM(*self.sizes, batch_first=True, device="meta")
        values = {name: self._weight(name) for name in _OF_LSTM}
        for name, parameter in self.named_parameters(recurse=False):
            setattr(lstm, name, nn.Parameter(values.get(name, parameter.detach())))
        return lstm


def adaptable(network: nn.Module) -> dict[str, Tensor]:
    """Returns the matrices that can have an adapter: those of linear layers and of LSTMs.

    A linear layer's is called as the layer is, as in PEFT; an LSTM's has its own name behind that of the layer.
    """
    found: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear):
            found[name] = module.weight
        elif isinstance(module, nn.LSTM):
            found |= {f"{name}.{matrix}": getattr(module, matrix) for matrix in _OF_LSTM}
    return found


def choose(names: Iterable[str], targets: Sequence[str]) -> list[str]:
    """Returns the names that are one of the targets, or end in a dot and one of them, as PEFT chooses."""
    return [name for name in names if any(f".{name}".endswith(f".{target}") for target in targets)]


def inject(network: nn.Module, chosen: Iterable[str], shape: LoraShape, seed: int) -> None:
    """Gives adapters to matrices of a network; what each layer computes stays the same to the bit.

    What is trained is left as it is: an adapter's parameters ask for a gradient, and those it adapts still do.

    Args:
        network: is changed in place.
        chosen: names from `adaptable`.
        shape: of the adapters.
        seed: decides their random numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    of_lstms: dict[str, list[str]] = {}
    for name in chosen:
        layer, _, matrix = name.rpartition(".")
        module = network.get_submodule(layer)
        if isinstance(module, nn.LSTM):
            of_lstms.setdefault(layer, []).append(matrix)
        else:
            _put(network, name, _with_adapter(network.get_submodule(name), shape, generator))
    for layer, matrices in of_lstms.items():
        lstm = network.get_submodule(layer)
        assert isinstance(lstm, nn.LSTM)
        _put(network, layer, LoraLstm(lstm, shape, generator, matrices))


def _with_adapter(linear: nn.Module, shape: LoraShape, generator: torch.Generator) -> nn.Module:
    if isinstance(linear, QuantizedLinear):
        return LoraQuantized(linear, shape, generator)
    assert isinstance(linear, nn.Linear)
    return LoraLinear(linear, shape, generator)


def merge(network: nn.Module) -> Callable[[], None]:
    """Adds every adapter to its matrix, and takes the adapters away; quantized matrices are whole again.

    Returns:
        A function that puts them back, and the matrices as they were, to the bit.
    """
    kinds = LoraLinear | LoraLstm | QuantizedLinear
    adapted = {name: module for name, module in network.named_modules() if isinstance(module, kinds)}
    for name, module in adapted.items():
        _put(network, name, module.merged().train(module.training))

    def unmerge() -> None:
        for name, module in adapted.items():
            _put(network, name, module)

    return unmerge


def adapters(network: nn.Module) -> dict[str, LowRank]:
    """Returns the adapters of a network, by the names that `adaptable` gave to their matrices."""
    return dict(_adapters(network))


def _adapters(network: nn.Module) -> Iterator[tuple[str, LowRank]]:
    for name, module in network.named_modules():
        if isinstance(module, LoraLinear | LoraQuantized):
            yield name, module.lora
        elif isinstance(module, LoraLstm):
            parts: Mapping[str, nn.Module] = dict(module.lora.items())
            for matrix, adapter in parts.items():
                assert isinstance(adapter, LowRank)
                yield f"{name}.{matrix}", adapter


def adapter_names(network: nn.Module) -> frozenset[str]:
    """Returns the names of the adapters' parameters."""
    return frozenset(
        f"{name}.{part}"
        for name, module in network.named_modules()
        if isinstance(module, LowRank)
        for part in ("A", "B")
    )


def _put(network: nn.Module, name: str, module: nn.Module) -> None:
    """Puts a module in the place of another of this name."""
    parent, _, own = name.rpartition(".")
    holder = network.get_submodule(parent)
    if isinstance(holder, nn.ModuleList):
        holder[int(own)] = module
    else:
        setattr(holder, own, module)
