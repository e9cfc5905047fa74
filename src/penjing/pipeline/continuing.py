"""Lets a training stage go on from what an earlier run in the same folder has done, where that is allowed.

Two things are. A run whose number of epochs was changed goes on from the checkpoint where the learning rate of the
earlier one began to fall (schedule ``wsd``): up to there both are the same, to the bit. And a run that was interrupted
may go on with batches of another size, which is not, and is said.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.files import disk_errors, folder_beside, read_json
from penjing.pipeline.stage import ORIGIN, RECORD
from penjing.train.checkpoint import STATE, list_checkpoints
from penjing.train.history import HISTORY
from penjing.train.settings import TrainSettings, schedule_of
from penjing.train.trainer import CHECKPOINTS, STABLE

_OF_LENGTH = frozenset({"epochs", "decay", "evaluations", "patience", "best_by"})
_OF_BATCHES = frozenset({"batch_tokens", "accumulate"})


@dataclass(frozen=True)
class _Found:
    """A checkpoint that another run left, and how far it is."""

    checkpoint: Path
    run: Path
    step: int


def adopt_checkpoint(folder: Path, settings: TrainSettings) -> Path | None:
    """Copies the furthest checkpoint that the run in a folder may go on from, unless it has one of its own.

    Args:
        folder: where a stage is built; others of the same stage lie beside it.
        settings: of the training; the stage's ``settings`` hold them as JSON at the second place.

    Returns:
        The folder of the run that the checkpoint is of; None where there is none.
    """
    if list_checkpoints(folder / CHECKPOINTS):
        return None
    own = read_json(folder / ORIGIN)
    others = (path for path in folder.parent.glob(f"{folder.name.rsplit('-', 1)[0]}-*") if path != folder)
    found = [item for other in others for item in _usable(other, own, settings)]
    if not found:
        return None
    best = max(found, key=lambda item: item.step)
    with disk_errors(folder), folder_beside(folder / CHECKPOINTS / best.checkpoint.name) as beside:
        for file in best.checkpoint.iterdir():
            shutil.copy2(file, beside / file.name)
    if (best.run / HISTORY).exists():
        shutil.copy2(best.run / HISTORY, folder / HISTORY)
    return best.run


def _usable(other: Path, own: dict[str, Any], settings: TrainSettings) -> Iterator[_Found]:
    """Gives the checkpoints of another run that this one may go on from."""
    record = next((other / name for name in (RECORD, ORIGIN) if (other / name).is_file()), None)
    if record is None:
        return
    origin = read_json(record)
    changed = _changed_settings(origin, own)
    if changed is None:
        return
    before = settings.model_copy(update={key: origin["settings"][1][key] for key in changed})
    stable = min(schedule_of(item).stable_epochs for item in (before, settings))
    for checkpoint in (*list_checkpoints(other / STABLE), *list_checkpoints(other / CHECKPOINTS)):
        state = read_json(checkpoint / STATE)
        is_same_so_far = changed <= _OF_LENGTH and _epochs(state) <= stable
        is_interrupted = changed <= _OF_BATCHES and record.name == ORIGIN
        if is_same_so_far or is_interrupted:
            yield _Found(checkpoint, other, state["step"])


def _epochs(state: dict[str, Any]) -> float:
    """Returns the passes over the data that a checkpoint has behind it."""
    return float(state["epoch"] + state["position"] / state["batches"])


def _changed_settings(origin: dict[str, Any], own: dict[str, Any]) -> frozenset[str] | None:
    """Returns the names of the training settings that differ; None where anything else does."""
    if any(origin[key] != own[key] for key in own if key != "settings"):
        return None
    (network, before, *rest), (own_network, now, *own_rest) = origin["settings"], own["settings"]
    if [network, rest] != [own_network, own_rest]:
        return None
    return frozenset(key for key in {*before, *now} if before.get(key) != now.get(key))
