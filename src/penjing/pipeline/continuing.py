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
from penjing.train.checkpoint import list_checkpoints
from penjing.train.history import HISTORY, STATE
from penjing.train.settings import PretrainSettings, schedule_of
from penjing.train.trainer import CHECKPOINTS, STABLE

_OF_LENGTH = frozenset({"epochs", "decay"})
_OF_BATCHES = frozenset({"batch_tokens", "accumulate"})


@dataclass(frozen=True)
class _Found:
    """A checkpoint that another run left, and how far it is."""

    checkpoint: Path
    run: Path
    step: int
    epochs: float
    changed: frozenset[str]


def adopt_checkpoint(folder: Path, settings: PretrainSettings) -> dict[str, Any] | None:
    """Copies the furthest checkpoint that the run in a folder may go on from, unless it has one of its own.

    Args:
        folder: where a stage is built; others of the same stage lie beside it.
        settings: of the training; the stage's ``settings`` hold them as JSON at the second place.

    Returns:
        For the record: the run that the checkpoint is of, its step, and the settings that were changed since; None
        where there is none.
    """
    if list_checkpoints(folder / CHECKPOINTS):
        return None
    own = read_json(folder / ORIGIN)
    found = [item for other in _others(folder) for item in _usable(other, own, settings)]
    if not found:
        return None
    best = max(found, key=lambda item: item.epochs)
    with disk_errors(folder), folder_beside(folder / CHECKPOINTS / best.checkpoint.name) as beside:
        for file in best.checkpoint.iterdir():
            shutil.copy2(file, beside / file.name)
    if (best.run / HISTORY).exists():
        shutil.copy2(best.run / HISTORY, folder / HISTORY)
    return {"run": best.run.name, "step": best.step, "changed": sorted(best.changed)}


def differs_in_length(folder: Path) -> str | None:
    """Returns the name of a run that differs from the one in a folder, which has nothing yet, in its length alone.

    None where there is no such run.
    """
    if list_checkpoints(folder / CHECKPOINTS):
        return None
    own = read_json(folder / ORIGIN)
    origins = ((other, _origin(other)) for other in _others(folder))
    changes = ((other, _changed_settings(origin, own)) for other, origin in origins if origin is not None)
    return next((other.name for other, changed in changes if changed and changed <= _OF_LENGTH), None)


def _others(folder: Path) -> Iterator[Path]:
    """Gives the folders of other runs of the same stage."""
    return (path for path in folder.parent.glob(f"{folder.name.rsplit('-', 1)[0]}-*") if path != folder)


def _origin(run: Path) -> dict[str, Any] | None:
    """Returns what a stage was made by, finished or not."""
    found: dict[str, Any] | None = next(
        (read_json(run / name) for name in (RECORD, ORIGIN) if (run / name).is_file()), None
    )
    return found


def _usable(other: Path, own: dict[str, Any], settings: PretrainSettings) -> Iterator[_Found]:
    """Gives the checkpoints of another run that this one may go on from."""
    origin = _origin(other)
    if origin is None:
        return
    changed = _changed_settings(origin, own)
    if changed is None or not (changed <= _OF_LENGTH or changed <= _OF_BATCHES):
        return
    before = settings.model_copy(update={key: origin["settings"][1][key] for key in changed})
    stable = _same_epochs(before, settings)
    for checkpoint in (*list_checkpoints(other / STABLE), *list_checkpoints(other / CHECKPOINTS)):
        state = read_json(checkpoint / STATE)
        is_same_so_far = changed <= _OF_LENGTH and 0 < _epochs(state) <= stable
        is_interrupted = changed <= _OF_BATCHES and not (other / RECORD).is_file()
        if is_same_so_far or is_interrupted:
            yield _Found(checkpoint, other, state["step"], _epochs(state), changed)


def _same_epochs(one: PretrainSettings, other: PretrainSettings) -> float:
    """Returns the passes over the data up to which two runs that differ in length do the same.

    None, where something else than the learning rate follows the length: the mask rate, or when patience ends.
    """
    if any(item.mask_rate_end not in (None, item.mask_rate) or item.patience for item in (one, other)):
        return 0.0
    first, second = schedule_of(one), schedule_of(other)
    return min(first.stable_epochs, second.stable_epochs) if first.warmup_epochs == second.warmup_epochs else 0.0


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
    if before.keys() != now.keys():  # of another version
        return None
    return frozenset(key for key in now if before[key] != now[key])
