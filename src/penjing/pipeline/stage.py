"""A stage: reads artifacts, writes one artifact, and records what went in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penjing.data.engine import AUTOMATIC, EngineSettings
from penjing.pipeline.recipe import Recipe
from penjing.progress import Progress

RECORD = "lineage.json"
ORIGIN = "origin.json"  # what decides the result of a stage that is being built
TIMES = "times.json"  # what a stage measured in seconds: another run measures others, so it is no part of its content


@dataclass(frozen=True)
class StageContext:
    """What a stage is given to work with.

    Attributes:
        recipe: the whole recipe.
        folder: where the artifact is built; what a killed run of the same stage left is still there.
        inputs: the folders of the stages this one reads.
        progress: told how far the work is.
        engine: where work on data is done; it changes nothing in the result, and is no part of a stage's key.
    """

    recipe: Recipe
    folder: Path
    inputs: dict[str, Path]
    progress: Progress
    engine: EngineSettings = AUTOMATIC


@dataclass(frozen=True)
class Stage:
    """One arrow of the path.

    Attributes:
        name: of the stage, and of its folder.
        inputs: the stages it reads; those that a recipe does not want are left out.
        settings: the part of the recipe that decides the result, as JSON values.
        run: fills the folder; returns facts for the report.
        files: the source files it reads, whose content counts.
        is_wanted: whether a recipe has this stage.
        is_resumable: whether `run` goes on from what is already in the folder.
        scratch: names of files and folders there that `run` goes on from. They are no part of the result, and are
            removed once that is in its place, so that a run that is killed meanwhile does nothing twice.
        version: raised when the same settings would give another result.
        rules: versions of rules that only some results rest on, of a recipe and the folders of the inputs that are
            done; none for all others, whose keys stay as they are.
    """

    name: str
    inputs: tuple[str, ...]
    settings: Callable[[Recipe], Any]
    run: Callable[[StageContext], dict[str, Any]]
    files: Callable[[Recipe], list[Path]] = field(default=lambda recipe: [])
    is_wanted: Callable[[Recipe], bool] = field(default=lambda recipe: True)
    is_resumable: bool = False
    scratch: tuple[str, ...] = ()
    version: int = 1
    rules: Callable[[Recipe, Mapping[str, Path]], dict[str, int]] = field(default=lambda recipe, folders: {})


@dataclass(frozen=True)
class Artifact:
    """A finished stage.

    Attributes:
        stage: its name.
        folder: where it lies.
        record: its ``lineage.json``.
        skipped: whether it was there already.
    """

    stage: str
    folder: Path
    record: dict[str, Any]
    skipped: bool

    @property
    def content(self) -> str:
        """The hash of what the stage wrote."""
        return str(self.record["content"])

    @property
    def facts(self) -> dict[str, Any]:
        """What the stage reported."""
        return dict(self.record["facts"])
