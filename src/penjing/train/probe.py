"""How long a training run would take: some real steps of it, measured and thrown away."""

from __future__ import annotations

import math
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

Plan = list[NDArray[np.int64]]

_LEAST_STEPS = 6
_SURE_S, _SURE_SHARE = 1.0, 0.02  # a second of steps is enough where it tells the time of one within two percent
_VALIDATION_BATCHES = 6
_LOOKING_S = 1.0  # for the shapes of batches


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
    """Asks to stop after some seconds, but not before so many steps were made."""

    def __init__(self, seconds: float, least_steps: int) -> None:
        self._seconds, self._least, self._asked, self._began = seconds, least_steps, 0, 0.0

    def should_stop(self) -> bool:
        # The first step compiles and warms up; the clock starts after it.
        if self._asked == 0:
            self._began = time.perf_counter()
        self._asked += 1
        return self._asked >= self._least and time.perf_counter() - self._began > self._seconds


class _StopWhenSure(_StopAfter):
    """Asks to stop as soon as the standard error of the time of a step is small, too."""

    def __init__(self, seconds: float, least_steps: int) -> None:
        super().__init__(seconds, least_steps)
        self._moments: list[float] = []

    def should_stop(self) -> bool:
        self._moments.append(time.perf_counter())
        return super().should_stop() or (len(self._moments) >= self._least and self._is_sure())

    def _is_sure(self) -> bool:
        taken = np.diff(self._moments)
        error = taken.std(ddof=1) / math.sqrt(len(taken))
        return bool(taken.sum() > _SURE_S and error < _SURE_SHARE * taken.mean())


class _Chosen:
    """Some of the batches.

    Args:
        batches: all of them.
        plan: the rows of each that is taken.
    """

    def __init__(self, batches: Batches, plan: Plan) -> None:
        self._batches, self._plan = batches, plan

    @property
    def has_one_shape(self) -> bool:
        return self._batches.has_one_shape

    def plan(self, epoch: int) -> Plan:
        return self._plan

    def load(self, rows: NDArray[np.int64]) -> Batch:
        return self._batches.load(rows)

    def used_ids(self) -> Tensor | None:
        return self._batches.used_ids()


def probe_training(job: TrainingJob, seconds: float = 4.0) -> Probe:
    """Trains for some seconds and reckons what the whole job would take; the job's network is changed by it.

    Args:
        job: as it would be trained.
        seconds: of stepping, after the first step, at most; less where steps take equally long.
    """
    device = choose_device(job.settings.device)
    compiled = "on" if should_compile(job, device) else "off"
    settings = job.settings.model_copy(
        update={"compile": compiled, "evaluations": 1, "patience": 0, "checkpoint_every_s": float("inf")}
    )
    restart_peak_memory()
    records = _train(replace(job, settings=settings, validation=None), _StopWhenSure(seconds, _LEAST_STEPS))
    if (
        not job.batches.has_one_shape
    ):  # the most memory is taken by the largest batch, and kernels are kept for each shape
        once = settings.model_copy(update={"epochs": 1, "accumulate": 1})
        shapes = _Chosen(job.batches, _one_of_each_shape(job.batches))
        _train(replace(job, settings=once, batches=shapes, validation=None), _StopAfter(2 * seconds, 1))
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


def _train(job: TrainingJob, progress: Silent) -> list[dict[str, float]]:
    """Trains for nothing; returns the record of each step."""
    with TemporaryDirectory() as folder:
        with suppress(Interrupted):
            Trainer(job, Path(folder), progress).run()
        return [record for record in read_history(Path(folder) / HISTORY) if "loss" in record]


def _one_of_each_shape(batches: Batches) -> Plan:
    """Returns the rows of a batch of each shape, the largest first, of those that can be looked at in a moment."""
    plan = batches.plan(0)
    order = [len(plan) - 1, *np.random.default_rng(0).permutation(len(plan) - 1).tolist()]  # often the last is largest
    found: dict[tuple[int, ...], NDArray[np.int64]] = {}
    ends = time.perf_counter() + _LOOKING_S
    for place in order:
        batch = batches.load(plan[place])
        written = batch.written.shape if batch.written is not None else ()
        found.setdefault((batch.ids.numel(), *batch.ids.shape, *written), plan[place])
        if time.perf_counter() > ends:
            break
    return [found[shape] for shape in sorted(found, reverse=True)]


def _spread(plan: Plan, count: int) -> Plan:
    """Returns so many of the batches, from all over the plan."""
    if len(plan) <= count:
        return plan
    return [plan[int((i + 0.5) * len(plan) / count)] for i in range(count)]


def _time_evaluation(job: TrainingJob) -> float:
    """Returns the seconds of one evaluation on the validation rows."""
    if job.validation is None:
        return 0.0
    device = choose_device(job.settings.device)
    precision = choose_precision(job.settings.precision, device)
    plan = job.validation.plan(0)
    some, largest = _spread(plan, _VALIDATION_BATCHES), _one_of_each_shape(job.validation)[:1]
    measure(job.network, job.objective, _Chosen(job.validation, largest), device, precision, job.seed)
    began = time.perf_counter()
    measure(job.network, job.objective, _Chosen(job.validation, some), device, precision, job.seed)
    return (time.perf_counter() - began) * len(plan) / len(some)
