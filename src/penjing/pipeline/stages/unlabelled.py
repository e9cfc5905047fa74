"""Texts without labels that teachers are asked about, without those that evaluation uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.data.sources import corpus_files
from penjing.data.unlabelled import UnlabelledData, build_unlabelled
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import asking_teachers
from penjing.pipeline.stage import Stage, StageContext


def unlabelled_data(recipe: Recipe) -> UnlabelledData | None:
    """Returns ``[finetune.distill.unlabelled]``; None where the teachers are asked about the training rows alone."""
    distill = asking_teachers(recipe)
    return None if distill is None else distill.unlabelled


def _has_unlabelled(recipe: Recipe) -> bool:
    return unlabelled_data(recipe) is not None


def _run(context: StageContext) -> dict[str, Any]:
    settings = unlabelled_data(context.recipe)
    assert settings is not None
    return build_unlabelled(settings, context.inputs["data"], context.recipe.seed, context.folder, context.progress)


def _settings(recipe: Recipe) -> Any:
    settings = unlabelled_data(recipe)
    assert settings is not None
    return [recipe.seed, settings.model_dump(mode="json", exclude={"path"})]  # where files lie does not count


def _files(recipe: Recipe) -> list[Path]:
    settings = unlabelled_data(recipe)
    assert settings is not None
    return list(corpus_files(settings.source.paths).files)


UNLABELLED = Stage(
    "unlabelled",
    inputs=("data",),
    settings=_settings,
    run=_run,
    files=_files,
    version=2,
    is_wanted=_has_unlabelled,
)
