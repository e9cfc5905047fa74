"""Whether ``torch.compile`` pays for itself."""

from __future__ import annotations

import math

import torch

from penjing.machine import has_cpp_compiler
from penjing.train.job import TrainingJob

_STEPS_TO_PAY = 300


def should_compile(job: TrainingJob, device: torch.device) -> bool:
    """Whether compiling a job's step pays.

    It takes up to 25 s on two cores (measured by ``benchmarks/compile_step.py``), so the run must be long enough;
    batches must have one shape; and a compiler must be there.
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
