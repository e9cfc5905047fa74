"""How fast steps of training are, whoever's loop takes them, and how many operations a second a machine gives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.profiler import record_function

from penjing.train.adamw import OnePassAdamW, adamw_library

Shape = tuple[int, int, int]


def measure_product_rates(
    device: torch.device, shapes: Sequence[Shape], precision: torch.dtype = torch.bfloat16, seconds: float = 1.0
) -> dict[str, float]:
    """Returns the operations a second of products [m, k] @ [k, n], the best of several, by "m x k x n".

    Args:
        device: where they are computed.
        shapes: m, k and n of each.
        precision: of what is multiplied.
        seconds: spent on each shape, after a warm-up.
    """
    return {" x ".join(map(str, shape)): _product_rate(device, shape, precision, seconds) for shape in shapes}


def _product_rate(device: torch.device, shape: Shape, precision: torch.dtype, seconds: float) -> float:
    rows, inner, columns = shape
    left = torch.randn(rows, inner, device=device, dtype=precision)
    right = torch.randn(inner, columns, device=device, dtype=precision)
    result = torch.empty(rows, columns, device=device, dtype=precision)
    repeats, best = 1, float("inf")
    deadline = time.perf_counter() + 1.5 * seconds
    warm = deadline - seconds
    while time.perf_counter() < deadline:
        _wait(device)
        began = time.perf_counter()
        for _ in range(repeats):
            torch.matmul(left, right, out=result)
        _wait(device)
        spent = time.perf_counter() - began
        if time.perf_counter() > warm:
            best = min(best, spent / repeats)
        repeats = max(1, min(1000, round(repeats * 0.05 / spent)))  # about 50 ms at a time
    return 2 * rows * inner * columns / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def after_steps(note: Callable[[Any], None]) -> Iterator[None]:
    """For a while ``note`` is called with the optimizer after each step, whoever takes it."""
    adamw_library()  # which takes steps of its own when it is first opened
    step = OnePassAdamW.step

    def noted_step(optimizer: OnePassAdamW, factor: float = 1.0) -> None:
        with record_function("OnePassAdamW.step"):  # a profiler sees PyTorch's own operations alone
            step(optimizer, factor)
        note(optimizer)

    hook = register_optimizer_step_post_hook(lambda optimizer, *_: note(optimizer))
    OnePassAdamW.step = noted_step  # type: ignore[method-assign]
    try:
        yield
    finally:
        OnePassAdamW.step = step  # type: ignore[method-assign]
        hook.remove()


class StepClock:
    """Notes when each optimizer step ends; of optimizers that step together, the first.

    Attributes:
        ends: `time.time` after each step.
    """

    def __init__(self) -> None:
        self.ends: list[float] = []
        self._first: Any = None

    def note(self, optimizer: Any) -> None:
        """Notes that a step ended."""
        self._first = optimizer if self._first is None else self._first
        if optimizer is self._first:
            self.ends.append(time.time())

    def seconds_per_step(self, skipped: int) -> float:
        """Returns the mean seconds of a step after the first ``skipped`` of them."""
        return (self.ends[-1] - self.ends[skipped - 1]) / (len(self.ends) - skipped)


@contextmanager
def clock_steps() -> Iterator[StepClock]:
    """Gives a clock that notes the steps taken for a while."""
    clock = StepClock()
    with after_steps(clock.note):
        yield clock
