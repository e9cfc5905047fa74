"""AdamW over all parameters in one pass, on a CPU, with the gradients' scaling and the weights' bf16 copies in it."""

from __future__ import annotations

import ctypes
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from penjing.models.native.compiling import CannotCompileError, open_library

_SOURCE = Path(__file__).parent / "adamw.cpp"
_VECTOR = 16  # numbers that the library takes at once
_BOUND = 1e-5  # on the difference, beside numbers of a size of about one

# As the library has it, whose comments say what each is.
_PARAMETER = np.dtype(
    [
        *((name, np.uint64) for name in ("weights", "gradient", "first", "second", "copy")),
        *(("count", np.int64), ("keep", np.float32), ("size", np.float32), ("root", np.float32), ("is_low", np.int32)),
        *(("rows", np.uint64), ("given", np.int64), ("width", np.int64)),
    ]
)


@cache
def adamw_library() -> ctypes.CDLL | None:
    """Returns the library, compiled where that was not done yet; None where it cannot be had, or computes wrongly."""
    try:
        library = open_library(_SOURCE, more_flags=("-fopenmp",))
    except CannotCompileError:
        return None
    library.penjing_gradient_norm.restype = ctypes.c_double
    if is_right(library):
        return library
    warnings.warn("the compiled AdamW computes wrongly on this processor; PyTorch's is taken, slower", stacklevel=2)
    return None


def is_right(library: ctypes.CDLL) -> bool:
    """Returns whether a few steps along gradients, of which some are bf16, lead where AdamW leads in float64."""
    draw = torch.Generator().manual_seed(0)
    starts = [torch.randn(*size, generator=draw) for size in ((1,), (37,), (16,), (2**14 + 21,), (360, 48))]
    own = [nn.Parameter(start.clone()) for start in starts]
    copies: dict[Tensor, Tensor] = {part: torch.empty_like(part, dtype=torch.bfloat16) for part in own[2:4]}
    rate, decay, betas, epsilon = 0.1, 0.1, (0.9, 0.99), 1e-8
    mine = OnePassAdamW([{"params": own, "lr": rate, "weight_decay": decay}], betas, epsilon, copies, library)
    gradients: list[list[Tensor]] = []  # of each step, as they are after the factor
    for _ in range(2):
        low = [torch.randn(start.shape, generator=draw).bfloat16() for start in starts[:-1]]
        for one, gradient in zip(own[:-1], low, strict=True):
            with _in_place(one, copies.get(one, one.data)):
                one.grad = gradient.to(one.dtype)
        some = torch.randperm(360, generator=draw)[:90].sort().values
        rows = torch.sparse_coo_tensor(
            some[None], torch.randn(90, 48, generator=draw), (360, 48), check_invariants=True
        )
        own[-1].grad = rows
        gradients.append([gradient.double() / 2 for gradient in (*low, rows.to_dense())])
        found = mine.gradient_norm()
        mine.step(0.5)
    expected = 2 * torch.cat([gradient.flatten() for gradient in gradients[-1]]).norm()
    ends = [
        _adamw(start.double(), steps, rate, decay, betas, epsilon)
        for start, *steps in zip(starts, *gradients, strict=True)
    ]
    rounded = [(copy, part.bfloat16()) for part, copy in copies.items()]
    pairs = [(found, expected), *zip(own, ends, strict=True), *rounded]
    return all(bool(((one - other).abs() <= _BOUND * (1 + other.abs())).all()) for one, other in pairs)


def _adamw(
    weights: Tensor, gradients: Iterable[Tensor], rate: float, decay: float, betas: tuple[float, float], epsilon: float
) -> Tensor:
    """Returns where steps along gradients lead, as algorithm 2 of Loshchilov & Hutter (2019) has it."""
    first, second = torch.zeros_like(weights), torch.zeros_like(weights)
    for count, gradient in enumerate(gradients, start=1):
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * gradient**2
        root = (second / (1 - betas[1] ** count)).sqrt() + epsilon
        weights = weights * (1 - rate * decay) - rate * first / (1 - betas[0] ** count) / root
    return weights


@contextmanager
def _in_place(parameter: Tensor, data: Tensor) -> Iterator[None]:
    """For a while a parameter has other numbers, also of another kind."""
    kept = parameter.data
    parameter.data = data
    try:
        yield
    finally:
        parameter.data = kept


def can_step(parameters: Iterable[Tensor]) -> bool:
    """Returns whether the library's steps are for these: fp32 in a row, on a CPU."""
    return all(p.device.type == "cpu" and p.dtype == torch.float32 and p.is_contiguous() for p in parameters)


def can_learn_by_rows(weight: Tensor) -> bool:
    """Returns whether a matrix's gradient may be that of some of its rows alone."""
    return weight.ndim == 2 and weight.shape[1] % _VECTOR == 0 and weight.dtype == torch.float32


def library_for(optimizer: str, parameters: Iterable[Tensor]) -> ctypes.CDLL | None:
    """Returns the library if it takes the steps of an optimizer of that name over these parameters, else None."""
    return adamw_library() if optimizer == "adamw" and can_step(parameters) else None


class OnePassAdamW:
    """AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101); its state is that of PyTorch's.

    It is none of PyTorch's optimizers: one of those loads the compiler when it is made, which takes seconds.

    A gradient may be that of some rows of a matrix alone (`can_learn_by_rows`), a sparse tensor: the step is that along
    one with zeros for the others, to the bit.

    Args:
        groups: of parameters for which `can_step`.
        betas: how fast the moments forget.
        epsilon: is added to the root of the second moment.
        copies: bf16 copies of some parameters, which are kept like them.
        library: as `adamw_library` has it.
    """

    stepping = "compiled"

    def __init__(
        self,
        groups: list[dict[str, Any]],
        betas: tuple[float, float],
        epsilon: float,
        copies: Mapping[Tensor, Tensor],
        library: ctypes.CDLL,
    ) -> None:
        self.param_groups = [{"lr": 0.0, **group} for group in groups]
        self.state: defaultdict[Tensor, Any] = defaultdict(dict)
        self._library, self._betas, self._epsilon, self._copies = library, betas, epsilon, copies

    def gradient_norm(self) -> Tensor:
        """Returns the root of the sum of all gradients' squares, float64 []."""
        gradients = [gradient for _, gradient, _ in self._learned()]
        table = _describe_gradients(gradients)
        norm = self._library.penjing_gradient_norm(len(table), ctypes.c_void_p(table.ctypes.data))
        return torch.tensor(norm, dtype=torch.float64)

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Takes a step along the gradients times a factor."""
        learned = self._learned()
        if not learned:
            return
        states = [self._state_of(parameter) for parameter, _, _ in learned]
        counts = [state["step"] for state in states]
        torch._foreach_add_(counts, 1)
        steps = torch.stack(counts).double().numpy()
        rates = np.array([group["lr"] for _, _, group in learned])
        decays = np.array([group["weight_decay"] for _, _, group in learned])
        table = _describe_gradients([gradient for _, gradient, _ in learned])
        table["weights"] = [parameter.data_ptr() for parameter, _, _ in learned]
        table["first"] = [state["exp_avg"].data_ptr() for state in states]
        table["second"] = [state["exp_avg_sq"].data_ptr() for state in states]
        copies = [self._copies.get(parameter) for parameter, _, _ in learned]
        table["copy"] = [0 if copy is None else copy.data_ptr() for copy in copies]
        table["keep"] = 1 - rates * decays
        table["size"] = rates / (1 - self._betas[0] ** steps)
        table["root"] = np.sqrt(1 - self._betas[1] ** steps)
        self._library.penjing_adamw(
            *(len(table), ctypes.c_void_p(table.ctypes.data)),
            *map(ctypes.c_float, (1 - self._betas[0], self._betas[1], 1 - self._betas[1], self._epsilon, factor)),
        )

    def zero_grad(self) -> None:
        """Takes away all gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _learned(self) -> list[tuple[Tensor, Tensor, dict[str, Any]]]:
        """Returns each parameter that has a gradient, the gradient, and the parameter's group."""
        return [
            (parameter, _side_by_side(parameter), group)
            for group in self.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]

    def _state_of(self, parameter: Tensor) -> dict[str, Tensor]:
        """Returns the parameter's moments, made where there are none."""
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return state


def _describe_gradients(gradients: Sequence[Tensor]) -> NDArray[np.void]:
    """Returns what the library is told of gradients, [gradients]."""
    table = np.zeros(len(gradients), dtype=_PARAMETER)
    values = [gradient._values() if gradient.is_sparse else gradient for gradient in gradients]
    table["gradient"] = [numbers.data_ptr() for numbers in values]
    table["count"] = [gradient.numel() for gradient in gradients]
    table["is_low"] = [gradient.dtype == torch.bfloat16 for gradient in gradients]
    for line, gradient in zip(table, gradients, strict=True):
        if gradient.is_sparse:
            line["rows"], line["given"] = gradient._indices().data_ptr(), gradient._nnz()
            line["width"] = gradient.shape[1]
    return table


def _side_by_side(parameter: Tensor) -> Tensor:
    """Returns a parameter's gradient, its numbers in a row; where it is that of some rows, each is there once."""
    assert parameter.grad is not None
    if not parameter.grad.is_sparse:
        return parameter.grad.contiguous()
    rows = parameter.grad._indices()[0].numpy()
    if not (rows[1:] > rows[:-1]).all():  # what one lookup gave; PyTorch forgets that it is so
        parameter.grad = parameter.grad.coalesce()
    return parameter.grad
