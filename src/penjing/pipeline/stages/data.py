"""Rows to fine-tune on: read, checked, without duplicates, split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.data.settings import RowData
from penjing.data.split_files import addressed_files
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.stage import Stage, StageContext

_LATER = ("per_class", "described", "test_target")  # recipes without these keep the runs they had before
# Where files lie does not count, what is in them does.
_WHERE = {"path", "validation", "test", "items"}


def _run(context: StageContext) -> dict[str, Any]:
    return kind_of(context.recipe).build_data(context.recipe, context.folder, context.progress)


def _settings(recipe: Recipe) -> Any:
    sections = {name: _decisive(section) for name, section in kind_of(recipe).data_settings(recipe).items()}
    alone = sections.pop("data", {})  # where all rows are of one section, its settings stand at the top
    return {**alone, **sections, "seed": recipe.seed}


def _decisive(section: RowData) -> dict[str, Any]:
    own = section.model_dump(mode="json", exclude=_WHERE)
    return {name: value for name, value in own.items() if name not in _LATER or value}


def _files(recipe: Recipe) -> list[Path]:
    addresses = [addresses for section in recipe.rows.values() for addresses in section.addresses.values()]
    sides = [side for some in addresses for side in addressed_files(some)]
    return [file for side in sides for file in side]


DATA = Stage("data", inputs=(), settings=_settings, run=_run, files=_files, version=4, is_wanted=has_data)
