"""How long a training run would take: some real steps of it, measured and thrown away."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from penjing.errors import Interrupted
from penjing.machine import peak_memory_mb, restart_peak_memory
from penjing.models.device import choose_device, choose_precision, peak_device_memory_mb
from penjing.progress import Silent
from penjing.train.batches import Batch, Batches
from penjing.train.compiling import count_steps, should_compile
from penjing.train.history import HISTORY, read_history
from penjing.train.job import TrainingJob
from penjing.train.measuring import measure
from penjing.train.trainer import Trainer

_LEAST_STEPS = 6
_VALIDATION_BATCHES = 6


@dataclass(frozen=True)
class Probe:
    """What a whole run would take.

    Attributes:
        steps: optimizer steps.
        tokens: real tokens read.
        seconds: the steps, the compiling and the evaluations on the validation rows.
        peak_memory_mb: largest resident memory of the process while it was probed.
        device_memory_mb: the most that was allocated on a card meanwhile; None on a CPU.
    """

    steps: int
    tokens: int
    seconds: float
    peak_memory_mb: int
    device_memory_mb: int | None


class _StopAfter(Silent):
    """Asks to stop after some seconds, but not before a few steps were made."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._asked, self._began = seconds, 0, 0.0

    def should_stop(self) -> bool:
        # The first step compiles and warms up; the clock starts after it.
        if self._asked == 0:
            self._began = time.perf_counter()
        self._asked += 1
        return self._asked >= _LEAST_STEPS and time.perf_counter() - self._began > self._seconds


class _Some:
    """Some of the batches, evenly spread."""

    def __init__(self, batches: Batches, count: int) -> None:
        self._batches, self._count = batches, count

    @property
    def has_one_shape(self) -> bool:
        return self._batches.has_one_shape

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        whole = self._batches.plan(epoch)
        if len(whole) <= self._count:
            return whole
        return [whole[int((i + 0.5) * len(whole) / self._count)] for i in range(self._count)]

    def load(self, rows: NDArray[np.int64]) -> Batch:
        return self._batches.load(rows)

    def used_ids(self) -> Tensor | None:
        return self._batches.used_ids()


def probe_training(job: TrainingJob, seconds: float = 4.0) -> Probe:
    """Trains for some seconds and reckons what the whole job would take; the job's network is changed by it.

    Args:
        job: as it would be trained.
        seconds: of stepping, after the first step.
    """
    device = choose_device(job.settings.device)
    compiled = "on" if should_compile(job, device) else "off"
    settings = job.settings.model_copy(
        update={"compile": compiled, "evaluations": 1, "patience": 0, "checkpoint_every_s": float("inf")}
    )
    restart_peak_memory()
    with TemporaryDirectory() as folder:
        with suppress(Interrupted):
            Trainer(replace(job, settings=settings, validation=None), Path(folder), _StopAfter(seconds)).run()
        records = [record for record in read_history(Path(folder) / HISTORY) if "loss" in record]
    first, last, made = records[0], records[-1], len(records)
    per_step = (last["seconds"] - first["seconds"]) / (made - 1) if made > 1 else first["seconds"]
    steps = count_steps(job)
    return Probe(
        steps=steps,
        tokens=round(steps * last["tokens"] / made),
        seconds=first["seconds"] + per_step * max(0, steps - 1) + job.settings.evaluations * _time_evaluation(job),
        peak_memory_mb=peak_memory_mb(),
        device_memory_mb=peak_device_memory_mb(device),
    )


def _time_evaluation(job: TrainingJob) -> float:
    """Returns the seconds of one evaluation on the validation rows."""
    if job.validation is None:
        return 0.0
    device = choose_device(job.settings.device)
    precision = choose_precision(job.settings.precision, device)
    some = _Some(job.validation, _VALIDATION_BATCHES)
    measure(job.network, job.objective, _Some(job.validation, 1), device, precision, job.seed)
    began = time.perf_counter()
    measure(job.network, job.objective, some, device, precision, job.seed)
    spent = time.perf_counter() - began
    return spent * len(job.validation.plan(0)) / len(some.plan(0))
