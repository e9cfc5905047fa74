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
_REQUIRED = {"train", "path", "items"}  # roles that a section has whatever else it names


def _run(context: StageContext) -> dict[str, Any]:
    return kind_of(context.recipe).build_data(context.recipe, context.folder, context.progress)


def _settings(recipe: Recipe) -> Any:
    sections = {name: _decisive(section) for name, section in kind_of(recipe).data_settings(recipe).items()}
    alone = sections.pop("data", {})  # where all rows are of one section, its settings stand at the top
    return {**alone, **sections, **_roles(recipe), "seed": recipe.seed}


def _decisive(section: RowData) -> dict[str, Any]:
    own = section.model_dump(mode="json", exclude=_WHERE)
    own = {name: value for name, value in own.items() if name not in _LATER or value}
    named = own.get("labels")
    if isinstance(named, dict) and list(named) != sorted(named):  # a hash does not see in which order they stand
        own["labels"] = list(named.items())
    if section.is_grouped:
        own["grouped"] = True
    return own


def _roles(recipe: Recipe) -> dict[str, Any]:
    """Returns how many files each address stands for, where the list of all files does not say which is for what."""
    counts = {
        name: {role: [len(side) for side in sides] for role, sides in files.items()}
        for name, files in _files_by_role(recipe).items()
    }
    return {} if _is_plain(counts) else {"roles": counts}


def _is_plain(counts: dict[str, dict[str, list[int]]]) -> bool:
    """Whether so many files can be divided in no other way, or are all of one address."""
    if any(not roles.keys() <= _REQUIRED for roles in counts.values()):
        return False
    numbers = [sides for roles in counts.values() for sides in roles.values()]
    return all(sides == [1] for sides in numbers) or (len(numbers) == 1 and len(numbers[0]) == 1)


def _files_by_role(recipe: Recipe) -> dict[str, dict[str, list[list[Path]]]]:
    """Returns the files of each section of rows, of each of its addresses, of each side; sections by name."""
    return {
        name: {role: addressed_files(at) for role, at in section.addresses.items()}
        for name, section in sorted(recipe.rows.items())
    }


def _files(recipe: Recipe) -> list[Path]:
    roles = [role for of_section in _files_by_role(recipe).values() for role in of_section.values()]
    return [file for sides in roles for side in sides for file in side]


DATA = Stage("data", inputs=(), settings=_settings, run=_run, files=_files, version=3, is_wanted=has_data)
