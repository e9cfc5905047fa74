"""Where the artifacts of a run lie: a folder for each stage and key, complete or not there at all.

The key of a stage is the hash of its settings, the content of its source files, and the content of the artifacts it
reads. The same key is the same work, so it is not done again; going back to earlier settings finds the earlier
artifacts.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import penjing
from penjing.data.engine import AUTOMATIC, EngineSettings
from penjing.errors import UsageError
from penjing.files import disk_errors, read_json, remove_leftovers, remove_whole, replace_folder, write_json
from penjing.hashing import hash_file, hash_folder, hash_json
from penjing.machine import peak_memory_mb, read_energy_j, restart_peak_memory, used_energy_j
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.stage import ORIGIN, RECORD, TIMES, Artifact, Stage, StageContext
from penjing.progress import Progress
from penjing.train.history import HISTORY, STATE

_MOST_FILES = 1000  # that a record names one by one
_KEY_SHOWN = 12  # digits of a key, in the name of a folder
_NOT_CONTENT = frozenset({RECORD, HISTORY, TIMES, STATE})


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keeps a second process from running in the same folder.

    Raises:
        UsageError: one already does.
    """
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        with (out / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(
                    "another run is working in this folder", where=str(out), do="Wait for it, or choose another --out."
                ) from error
            yield


def stage_folder(out: Path, stage: str) -> Path:
    """Returns the folder of a finished stage of a run: the one that its model came from if it is there, or the newest.

    Raises:
        UsageError: there is no run, or no such stage in it.
    """
    return stage_folders(out, stage)[0]


def stage_folders(out: Path, stage: str) -> list[Path]:
    """Returns the folders of the finished stages of a name that a run's model came from, its own before its teachers'.

    Where one of them is gone, or no model is there yet, all that are there stand in the list, the newest first.

    Raises:
        UsageError: there is no run, or no such stage in it.
    """
    lineage = out / RECORD
    keys = [entry["key"] for entry in read_json(lineage) if entry["stage"] == stage] if lineage.is_file() else []
    folders = [record.parent for record in out.glob(f"stages/{stage}-*/{RECORD}")]
    folders.sort(key=lambda folder: (folder / RECORD).stat().st_mtime, reverse=True)
    named = [out / "stages" / f"{stage}-{key[:_KEY_SHOWN]}" for key in keys]
    there = [folder for folder in named if folder in folders]
    if there and there == named:
        return there
    if folders:
        return list(dict.fromkeys([*there, *folders]))
    raise UsageError(
        f"there is no finished stage {stage} in it" if out.is_dir() else "there is no such folder",
        where=str(out),
        do="Give the folder of a run, such as runs/reviews-lm, whose recipe has this part.",
    )


class Store:
    """The artifacts under ``out/stages``.

    Args:
        out: the folder of the run.
        recipe: decides what each stage's key is.
        engine: where work on data is done.
    """

    def __init__(self, out: Path, recipe: Recipe, engine: EngineSettings = AUTOMATIC) -> None:
        self._folder, self._recipe, self._engine = out / "stages", recipe, engine

    def find(self, stage: Stage, done: dict[str, Artifact]) -> Artifact | None:
        """Returns the finished artifact of a stage, if its inputs and settings have not changed."""
        return _open(stage, self._target(stage, self._ingredients(stage, done)))

    def complete(self, stage: Stage, done: dict[str, Artifact], progress: Progress) -> Artifact:
        """Returns the finished artifact of a stage, and does the work if it is not there yet.

        Args:
            stage: what is to be done.
            done: the artifacts of the stages before it.
            progress: told how far the work is.
        """
        ingredients = self._ingredients(stage, done)
        target = self._target(stage, ingredients)
        found = _open(stage, target)
        if found is not None:
            _remove_scratch(stage, target)
            return found
        working = target.with_name(target.name + ".part")
        with disk_errors(working):
            if not stage.is_resumable:
                shutil.rmtree(working, ignore_errors=True)
            working.mkdir(parents=True, exist_ok=True)
            if stage.is_resumable:
                write_json(working / ORIGIN, ingredients)
            inputs = {name: done[name].folder for name in stage.inputs if name in done}
            began, energy = time.perf_counter(), read_energy_j()
            restart_peak_memory()
            facts = stage.run(StageContext(self._recipe, working, inputs, progress, self._engine))
            seconds = facts.pop("seconds", None) or time.perf_counter() - began
            energy_j = facts.pop("energy_j", used_energy_j(energy, read_energy_j()))
            (working / ORIGIN).unlink(missing_ok=True)
            if stage.is_resumable:
                _remove_all_leftovers(working)
            record = {
                "stage": stage.name,
                "key": hash_json(ingredients),
                "content": hash_folder(working, leave_out=_NOT_CONTENT.union(stage.scratch)),
                **ingredients,
                "facts": facts,
                "seconds": round(seconds, 2),
                "peak_memory_mb": peak_memory_mb(),
                "energy_j": None if energy_j is None else round(energy_j, 1),
                "penjing": penjing.__version__,
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            write_json(working / RECORD, record)
            replace_folder(working, target)
        _remove_scratch(stage, target)
        return Artifact(stage.name, target, record, skipped=False)

    def prune(self, done: dict[str, Artifact], kept: Sequence[str] = ()) -> list[str]:
        """Removes all that is no artifact of these, but for some stages; returns the names of what was removed."""
        present = {artifact.folder.name for artifact in done.values()}
        gone = sorted(
            path
            for path in self._folder.iterdir()
            if path.is_dir()
            and not path.name.startswith(".")
            and path.name not in present
            and path.name.partition("-")[0] not in kept
        )
        for path in gone:  # renamed first: one that is half deleted is no artifact any more
            old = path.with_name(f".{path.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
            shutil.rmtree(old)
        return [path.name for path in gone]

    def _ingredients(self, stage: Stage, done: dict[str, Artifact]) -> dict[str, Any]:
        rules = stage.rules(self._recipe, {name: done[name].folder for name in stage.inputs if name in done})
        return {
            **({"rules": rules} if rules else {}),
            "version": stage.version,
            "settings": stage.settings(self._recipe),
            "files": hash_files(stage.files(self._recipe)),
            "inputs": {name: done[name].content for name in stage.inputs if name in done},
        }

    def _target(self, stage: Stage, ingredients: dict[str, Any]) -> Path:
        return self._folder / f"{stage.name}-{hash_json(ingredients)[:_KEY_SHOWN]}"


def hash_files(files: list[Path]) -> list[list[str]]:
    """Returns the name and content of each file; of very many, one hash for all of them."""
    hashes = [[path.name, hash_file(path) if path.is_file() else ""] for path in files]  # who reads it says it is gone
    return hashes if len(hashes) <= _MOST_FILES else [[f"{len(hashes):,} files", hash_json(hashes)]]


def _remove_all_leftovers(folder: Path) -> None:
    """Removes what killed processes have left of files they were writing, in all folders of one."""
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.name.startswith("."))]:
        if path.is_dir():
            remove_leftovers(path)


def _remove_scratch(stage: Stage, folder: Path) -> None:
    """Removes from a finished folder what only its making needed, and what a killed process left of that."""
    if stage.scratch:
        for name in stage.scratch:
            remove_whole(folder / name)
        remove_leftovers(folder)


def _open(stage: Stage, folder: Path) -> Artifact | None:
    record = folder / RECORD
    return Artifact(stage.name, folder, read_json(record), skipped=True) if record.is_file() else None
