"""Whether ``torch.compile`` pays for itself."""

from __future__ import annotations

import math

import torch

from penjing.machine import has_cpp_compiler
from penjing.train.job import TrainingJob

_STEPS_TO_PAY = 300


def should_compile(job: TrainingJob, device: torch.device) -> bool:
    """Whether compiling a job's step pays.

    It takes 10 to 25 s on two cores, so the run must be long enough; batches must have one shape; a compiler must be
    there; and the network must gain from it (its class attribute ``gains_from_compile``, measured by
    ``benchmarks/compile_step.py``).
    """
    if job.settings.compile != "auto":
        return job.settings.compile == "on"
    steps = count_steps(job)
    gains = bool(getattr(job.network, "gains_from_compile", False))
    has_compiler = device.type == "cuda" or has_cpp_compiler()
    return gains and job.batches.has_one_shape and steps >= _STEPS_TO_PAY and has_compiler


def count_steps(job: TrainingJob) -> int:
    """Returns the optimizer steps of a whole run."""
    batches = len(job.batches.plan(0))
    whole, part = divmod(job.settings.epochs, 1)
    per_epoch = math.ceil(batches / job.settings.accumulate)
    return int(whole) * per_epoch + math.ceil(part * batches / job.settings.accumulate - 1e-9)
