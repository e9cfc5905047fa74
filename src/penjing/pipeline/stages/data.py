"""Rows to fine-tune on: read, checked, without duplicates, split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.data.split_files import addressed_files
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import Recipe, has_data, row_data
from penjing.pipeline.stage import Stage, StageContext

_LATER = ("per_class", "described")  # recipes without these keep the runs that they had before there were any
# Where files lie does not count, what is in them does.
_WHERE = {"path", "validation", "test", "items"}


def _run(context: StageContext) -> dict[str, Any]:
    return kind_of(context.recipe).build_data(context.recipe, context.folder, context.progress)


def _settings(recipe: Recipe) -> Any:
    settings = kind_of(recipe).data_settings(recipe)
    own = settings.model_dump(mode="json", exclude=_WHERE)
    kept = {name: value for name, value in own.items() if name not in _LATER or value}
    return {**kept, "seed": recipe.seed}


def _files(recipe: Recipe) -> list[Path]:
    sides = [side for addresses in row_data(recipe).addresses.values() for side in addressed_files(addresses)]
    return [file for side in sides for file in side]


DATA = Stage("data", inputs=(), settings=_settings, run=_run, files=_files, version=2, is_wanted=has_data)
