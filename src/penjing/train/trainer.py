"""The one training loop.

An objective gives loss and counts for a batch; the trainer does the rest: accumulation normalized by what is learned,
mixed precision, clipping, schedule, evaluation, the best weights, checkpoints and exact resume.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor, nn

from penjing.errors import Interrupted, TrainingError
from penjing.files import remove_leftovers
from penjing.machine import keep_freed_memory, set_objects_aside
from penjing.models.device import (
    autocast,
    choose_device,
    choose_precision,
    name_device,
    peak_device_memory_mb,
    restart_peak_device_memory,
)
from penjing.models.native.training import training_library
from penjing.models.weights import write_tensors
from penjing.progress import Bar, Progress
from penjing.sitting import Sitting
from penjing.train.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint
from penjing.train.compiling import CompiledRegions, should_compile
from penjing.train.determinism import deterministic_algorithms
from penjing.train.frozen import hash_frozen, trained_parameters
from penjing.train.guard import LossGuard
from penjing.train.history import HISTORY, History
from penjing.train.job import TrainingJob
from penjing.train.low_weights import LowWeights, lower_weights
from penjing.train.measuring import measure
from penjing.train.objective import Prepared
from penjing.train.optimizer import build_optimizer, set_learning_rate
from penjing.train.recomputing import recompute_layers
from penjing.train.settings import schedule_of
from penjing.train.state import DEPENDED_ON, TrainingResult, TrainingState
from penjing.train.step_loader import StepLoader
from penjing.train.used_rows import narrow_embeddings

CHECKPOINTS = "checkpoints"
STABLE = "stable"  # the checkpoint where a wsd schedule begins to decay: a longer run goes on from there
BEST = "best.safetensors"
TRAINING_FILES = (CHECKPOINTS, BEST)  # in the trainer's folder; a finished run does not need them any more


class Trainer:
    """Trains a network, and goes on from the last checkpoint in its folder if there is one.

    Args:
        job: what is trained, on what, and how.
        folder: holds checkpoints, the best weights and ``history.jsonl``.
        progress: told how far training is, asked whether to stop.
    """

    def __init__(self, job: TrainingJob, folder: Path, progress: Progress) -> None:
        network, settings, batches = job.network, job.settings, job.batches
        self._device = choose_device(settings.device)
        self._precision = choose_precision(settings.precision, self._device)
        self._network = network.to(self._device)
        self._objective, self._batches, self._validation = job.objective, batches, job.validation
        self._loader = StepLoader(job, self._device)
        self._settings, self._folder, self._seed = settings, folder, job.seed
        self._best = folder / BEST
        self._learning_rate, self._name, self._progress = job.learning_rate, job.name, progress
        if settings.dropout is not None:
            _set_dropout(network, settings.dropout)
        self._widen_embeddings = narrow_embeddings(job)
        self._keep_activations = recompute_layers(network) if settings.recompute else lambda: None
        self.compiled = should_compile(job, self._device)
        # A compiled layer makes its own.
        self._low = LowWeights(()) if self.compiled else lower_weights(network, settings, self._device, self._precision)
        self._optimizer = build_optimizer(network, settings, self._low.copies)
        self._frozen = hash_frozen(network)
        self._average: dict[str, Tensor] = {}
        if settings.average:
            self._average = {name: p.detach().clone() for name, p in trained_parameters(network).items()}
        self._plan = batches.plan(0)
        self._state = TrainingState(
            batches=len(self._plan),
            batch_rows=len(self._plan[0]),
            accumulate=settings.accumulate,
            threads=torch.get_num_threads() if self._device.type == "cpu" else 0,
            precision="bf16" if self._precision == torch.bfloat16 else "fp32",
            device=name_device(self._device),
            kernels=_name_kernels(self._device, self._precision),
            stepping=self._optimizer.stepping if self._device.type == "cpu" else "",
            compiling=f"PyTorch {torch.__version__}" if self.compiled else "nothing",
        )
        self._guard, self._sample = LossGuard(), job.sample
        self._schedule = schedule_of(settings)
        self._regions = CompiledRegions(network, job.objective, self._device) if self.compiled else None

    def run(self) -> TrainingResult:
        """Trains to the end and leaves the best weights in the network.

        Raises:
            Interrupted: the user asked to stop; a checkpoint is written.
            TrainingError: the loss is not a number or diverges, or a card's memory is full; the last checkpoint stays.
            DiskFullError: a checkpoint could not be written; the one before it stays.
        """
        torch.manual_seed(self._seed)
        if self._device.type == "cpu":
            keep_freed_memory()
        restart_peak_device_memory(self._device)
        self._resume()
        self._low.refresh()
        history = History(self._folder / HISTORY, self._state.step)
        total = math.ceil(self._settings.epochs * len(self._plan))
        try:
            with self._progress.bar(self._name, total, "batches") as bar, self._numbers(), set_objects_aside():
                bar.advance(self._state.epoch * len(self._plan) + self._state.position)
                stopped_early = self._loop(history, bar)
            self._keep_best()
        except torch.OutOfMemoryError as error:
            raise TrainingError(
                f"the card's memory is full: {error}",
                where=self._name,
                do="Lower batch_tokens and raise accumulate by as much, set recompute = true, or take a smaller model.",
            ) from error
        finally:
            history.close()
            if self._regions is not None:
                self._regions.remove()
            self._keep_activations()
            self._widen_embeddings()
        return TrainingResult(
            steps=self._state.step,
            tokens=self._state.tokens,
            seconds=self._state.seconds,
            energy_j=self._state.energy_j,
            best=self._state.best,
            stopped_early=stopped_early,
            compiled=self.compiled,
            precision=self._state.precision,
            device=self._state.device,
            device_memory_mb=peak_device_memory_mb(self._device),
        )

    def _numbers(self) -> AbstractContextManager[None]:
        """For a while a GPU computes the same numbers every time, unless it need not."""
        return deterministic_algorithms(self._device) if self._settings.deterministic else nullcontext()

    def _loop(self, history: History, bar: Bar) -> bool:
        """Steps until the epochs are done; returns whether patience ran out before."""
        state, settings = self._state, self._settings
        sitting, saved, tokens_before = Sitting(state.seconds, state.energy_j), time.perf_counter(), state.tokens
        while self._done() < 1.0 - 1e-9 and not self._out_of_patience():
            record = self._step(bar)
            state.seconds, state.energy_j = sitting.seconds, sitting.energy_j
            history.append({**record, "seconds": round(state.seconds, 3)})
            speed = (state.tokens - tokens_before) / max(1e-9, sitting.own_seconds)
            bar.note(f"loss {record['loss']:.3f} · {speed:,.0f} tokens/s")
            if math.floor(self._done() * settings.evaluations + 1e-9) > state.evaluations:
                history.append(self._evaluate())
            self._keep_stable()
            if self._progress.should_stop():
                self._save(history)
                raise Interrupted(
                    f"stopped as asked after step {state.step}; everything is saved",
                    where=self._name,
                    do="Run the same command again to go on.",
                )
            if time.perf_counter() - saved >= settings.checkpoint_every_s:
                self._save(history)
                saved = time.perf_counter()
        self._save(history)
        return self._done() < 1.0 - 1e-9

    def _done(self) -> float:
        """Returns the share of the run that is done."""
        return (self._state.epoch + self._state.position / len(self._plan)) / self._settings.epochs

    def _out_of_patience(self) -> bool:
        return 0 < self._settings.patience <= self._state.worse

    def _step(self, bar: Bar) -> dict[str, Any]:
        """Takes one optimizer step over ``accumulate`` batches; returns its record."""
        state, group = self._state, self._next_batches()
        prepared = self._loader.load(state.step, group, self._done())
        targets = max(1, sum(part.targets for part in prepared))
        rate = self._learning_rate * self._schedule.factor(self._middle(len(group)))
        set_learning_rate(self._optimizer, rate)
        if not self._network.training:  # to say so to every module takes longer than to ask
            self._network.train()
        self._optimizer.zero_grad()
        losses, hits = [], []
        for part in prepared:
            with self._low.in_place():
                with autocast(self._device, self._precision):
                    part_loss, part_right = self._objective.loss(self._network, *part.tensors)
                (part_loss / targets).backward()  # type: ignore[no-untyped-call]
            losses.append(part_loss.detach())
            hits.append(part_right)
        norm = self._optimizer.gradient_norm()
        # A GPU has been told what to compute; while it does, the next step's batches are read.
        self._advance(prepared)
        if self._done() < 1.0 - 1e-9:
            self._loader.load_ahead(state.step, self._next_batches(), self._done())
        loss, size = sum(part.item() / targets for part in losses), norm.item()
        self._guard.check(loss, size, state.step, rate)
        clip = self._settings.clip_norm
        self._optimizer.step((clip / (norm + 1e-6)).clamp(max=1.0).item() if size > clip else 1.0)
        self._update_average()
        bar.advance(len(group))
        return {
            "step": state.step,
            "tokens": state.tokens,
            "loss": loss,
            "accuracy": sum(part.item() for part in hits) / targets,
            "learning_rate": rate,
            "gradient_norm": size,
        }

    def _middle(self, batches: int) -> float:
        """Returns the passes over the data up to the middle of a step over so many batches.

        By it a warm-up's first step and a decay's last one both change something. Where the run ends within the step,
        it is the middle of what is left of the run.
        """
        state, whole = self._state, len(self._plan)
        beyond = state.epoch + (state.position + batches) / whole - self._settings.epochs
        return state.epoch + (state.position + batches / 2) / whole - max(0.0, beyond) / 2

    def _next_batches(self) -> list[NDArray[np.int64]]:
        """Returns the rows of each batch of the next step, no more than the run has left."""
        state, settings = self._state, self._settings
        left = math.ceil((settings.epochs - state.epoch) * len(self._plan) - 1e-9) - state.position
        return self._plan[state.position : state.position + max(1, min(settings.accumulate, left))]

    def _advance(self, prepared: list[Prepared]) -> None:
        """Counts a step over some batches."""
        state = self._state
        state.step += 1
        state.tokens += sum(part.tokens for part in prepared)
        state.position += len(prepared)
        if state.position >= len(self._plan):
            state.epoch, state.position = state.epoch + 1, 0
            self._plan = self._batches.plan(state.epoch)

    def _update_average(self) -> None:
        if not self._average:
            return
        # A young average follows faster, so that it does not remember the random start.
        before = self._state.step - 1
        decay = min(self._settings.average, (1 + before) / (10 + before))
        with torch.no_grad():
            for name, parameter in trained_parameters(self._network).items():
                self._average[name].lerp_(parameter, 1 - decay)

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        """Puts the running average in the place of the weights for a while."""
        if not self._average:
            yield
            return
        kept = {name: parameter.detach().clone() for name, parameter in trained_parameters(self._network).items()}
        _copy_into(self._network, self._average)
        try:
            yield
        finally:
            _copy_into(self._network, kept)

    @torch.no_grad()
    def _evaluate(self) -> dict[str, Any]:
        """Measures the validation rows, keeps the weights if they are the best; returns the record."""
        state = self._state
        state.evaluations = math.floor(self._done() * self._settings.evaluations + 1e-9)
        record: dict[str, Any] = {"step": state.step, "tokens": state.tokens, "seconds": round(state.seconds, 3)}
        if self._sample is not None:
            with self._as_written():
                record["samples"] = self._sample(self._network)
        if self._validation is None:
            return record
        with self._averaged_weights(), self._as_written():
            figures = measure(
                self._network, self._objective, self._validation, self._device, self._precision, self._seed
            )
            if self._is_better(figures):
                state.best, state.worse = {**figures, "step": state.step}, 0
                self._save_best()
            else:
                state.worse += 1
        self._progress.measured(self._name, state.evaluations, figures)
        return {**record, **figures}

    def _as_written(self) -> AbstractContextManager[None]:
        """For a while nothing is compiled."""
        return nullcontext() if self._regions is None else self._regions.paused()

    def _is_better(self, figures: dict[str, float]) -> bool:
        if not self._state.best:
            return True
        if self._settings.best_by == "loss":
            return figures["validation_loss"] < self._state.best["validation_loss"]
        new = (figures["validation_accuracy"], -figures["validation_loss"])
        return new > (self._state.best["validation_accuracy"], -self._state.best["validation_loss"])

    def _save_best(self) -> None:
        weights = {name: p.detach().contiguous() for name, p in trained_parameters(self._network).items()}
        write_tensors(self._best, weights)

    def _keep_best(self) -> None:
        if self._state.best:
            _read_into(self._network, self._best)
        elif self._average:
            _copy_into(self._network, self._average)

    def _save(self, history: History) -> None:
        history.flush()
        folder = self._folder / CHECKPOINTS
        save_checkpoint(folder, self._network, self._optimizer, self._average, self._best, self._saved_state())

    def _keep_stable(self) -> None:
        """Keeps the last checkpoint up to which a longer run would have done the same, once that point is reached."""
        stable, state = self._schedule.stable_epochs, self._state
        next_step = state.epoch + (state.position + self._settings.accumulate) / len(self._plan)
        if state.epoch + state.position / len(self._plan) <= stable < next_step:
            save_checkpoint(
                self._folder / STABLE, self._network, self._optimizer, self._average, self._best, self._saved_state()
            )

    def _saved_state(self) -> dict[str, Any]:
        return {**asdict(self._state), "guard": asdict(self._guard), "frozen": self._frozen}

    def _resume(self) -> None:
        folder = self._folder / CHECKPOINTS
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        remove_leftovers(self._folder)
        checkpoints = list_checkpoints(folder)
        if not checkpoints:
            return
        saved = load_checkpoint(
            checkpoints[-1], self._network, self._optimizer, self._average, self._best, self._frozen
        )
        self._guard = LossGuard(**saved["guard"])
        own = self._state
        # What an older version's checkpoint does not have.
        known = {"energy_j": None, "precision": own.precision, "device": own.device, **saved}
        known = {"kernels": "PyTorch", "stepping": "PyTorch", "accumulate": own.accumulate, "compiling": "", **known}
        state = TrainingState(**{item.name: known[item.name] for item in fields(TrainingState)})
        changed = [
            f"{name} ({getattr(state, key)}, now {getattr(own, key)})"
            for key, name in DEPENDED_ON.items()
            if getattr(state, key) != getattr(own, key) and "" not in (getattr(state, key), getattr(own, key))
        ]
        if self._device.type != "cpu" and not self._settings.deterministic:
            changed.append("the order of sums, as deterministic = false lets it")
        state.position = state.position * state.batch_rows // own.batch_rows
        now = {"batches": own.batches, **{key: getattr(own, key) for key in DEPENDED_ON}}
        self._state = replace(state, **now)
        self._state.evaluations = math.floor(self._done() * self._settings.evaluations + 1e-9)
        self._plan = self._batches.plan(state.epoch)
        said = f"{self._name}: going on from step {state.step:,}"
        if changed:
            said += f"; no longer the same to the bit as without the stop: changed: {', '.join(changed)}"
        self._progress.say(said)


def _set_dropout(network: nn.Module, share: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = share


def _name_kernels(device: torch.device, precision: torch.dtype) -> str:
    """Returns by what a layer's steps are computed in bf16 on a CPU; the library is made now, not in the first step."""
    if device.type != "cpu" or precision != torch.bfloat16:
        return ""
    return "PyTorch" if training_library() is None else "compiled"


@torch.no_grad()
def _read_into(network: nn.Module, weights: Path) -> None:
    """Takes weights from a file, which is opened for each: what was read of it counts as memory until it is closed."""
    for name, parameter in trained_parameters(network).items():
        with safe_open(weights, framework="pt") as file:
            parameter.copy_(file.get_tensor(name))


def _copy_into(network: nn.Module, weights: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in trained_parameters(network).items():
            parameter.copy_(weights[name])
