"""Labelled rows: read, checked, without duplicates, split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.data.labelled import build_labelled
from penjing.data.settings import LabelledData
from penjing.data.sources import source_files
from penjing.pipeline.recipe import Recipe, has_data, labelled_data, task_of
from penjing.pipeline.stage import Stage, StageContext
from penjing.tasks.task import load_task


def data_settings(recipe: Recipe) -> LabelledData:
    """Returns the recipe's ``[data]``, with the task's own label names where the recipe gives none."""
    data, names = labelled_data(recipe), load_task(task_of(recipe)).label_names
    if data.labels is not None or names is None:
        return data
    return data.model_copy(update={"labels": dict(names)})


def _run(context: StageContext) -> dict[str, Any]:
    return build_labelled(data_settings(context.recipe), context.recipe.seed, context.folder, context.progress)


def _settings(recipe: Recipe) -> Any:
    settings = data_settings(recipe).model_dump(mode="json", exclude={"path", "validation", "test"})
    return {**settings, "seed": recipe.seed}


def _files(recipe: Recipe) -> list[Path]:
    data = labelled_data(recipe)
    return [file for address in (data.path, data.validation, data.test) if address for file in source_files(address)]


DATA = Stage("data", inputs=(), settings=_settings, run=_run, files=_files, is_wanted=has_data)
