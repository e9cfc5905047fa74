"""What of a training step is compiled, and whether that pays for itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from penjing.machine import has_cpp_compiler
from penjing.train.compiler import compiler_options, start_header
from penjing.train.job import TrainingJob
from penjing.train.layers import outermost_layers
from penjing.train.objective import Objective

_STEPS_TO_PAY = 300


def should_compile(job: TrainingJob, device: torch.device) -> bool:
    """Whether compiling a job's step pays.

    It takes about 20 s on two cores (a decoder of 17 million, ``benchmarks/pretrain_vs_peers.py``), so the run must be
    long enough; batches must have one shape; and a compiler must be there.
    """
    if job.settings.compile != "auto":
        return job.settings.compile == "on"
    has_compiler = device.type == "cuda" or has_cpp_compiler()
    return job.batches.has_one_shape and count_steps(job) >= _STEPS_TO_PAY and has_compiler


def count_steps(job: TrainingJob) -> int:
    """Returns the optimizer steps of a whole run."""
    batches = len(job.batches.plan(0))
    whole, part = divmod(job.settings.epochs, 1)
    per_epoch = math.ceil(batches / job.settings.accumulate)
    return int(whole) * per_epoch + math.ceil(part * batches / job.settings.accumulate - 1e-9)


class CompiledRegions:
    """Every layer of a network compiled by itself, and the scoring of the vocabulary.

    Layers of one kind share what was compiled, so that it takes a fraction of the time of a whole step.

    Args:
        network: whose layers are compiled.
        objective: whose scoring is compiled.
        device: where they compute.
    """

    def __init__(self, network: nn.Module, objective: Objective, device: torch.device) -> None:
        start_header(device)
        self._layers = outermost_layers(network)
        self._device = device
        objective.compile(device)
        self._compile()

    def _compile(self) -> None:
        for layer in self._layers:
            layer.compile(dynamic=False, options=compiler_options(self._device))

    def remove(self) -> None:
        """Lets the layers be computed as they are written again."""
        for layer in self._layers:
            layer._compiled_call_impl = None  # as the module itself does when it is copied

    @contextmanager
    def paused(self) -> Iterator[None]:
        """For a while; what is measured has other shapes, for which everything would be compiled anew."""
        self.remove()
        try:
            yield
        finally:
            self._compile()
