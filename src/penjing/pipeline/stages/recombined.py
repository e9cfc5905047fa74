"""Texts made of the training texts, for teachers to be asked about."""

from __future__ import annotations

from typing import Any

from penjing.data.recombined import Recombining, build_recombined
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import asking_teachers
from penjing.pipeline.stage import Stage, StageContext


def _recombining(recipe: Recipe) -> Recombining | None:
    """Returns what is made of the training texts; None where nothing is."""
    distill = asking_teachers(recipe)
    if distill is None or not distill.recombined:
        return None
    removed = {key for section in recipe.rows.values() for key in section.removed}
    return Recombining(distill.recombined, distill.joins_texts, tuple(sorted(removed)))


def _is_wanted(recipe: Recipe) -> bool:
    return _recombining(recipe) is not None


def _run(context: StageContext) -> dict[str, Any]:
    settings, inputs = _recombining(context.recipe), context.inputs
    assert settings is not None
    seed, unlabelled = context.recipe.seed, inputs.get("unlabelled")
    return build_recombined(settings, inputs["data"], unlabelled, seed, context.folder, context.progress)


def _settings(recipe: Recipe) -> Any:
    settings = _recombining(recipe)
    assert settings is not None
    return [recipe.seed, settings.texts, settings.with_joins, settings.removed]


RECOMBINED = Stage(
    "recombined",
    inputs=("data", "unlabelled"),
    settings=_settings,
    run=_run,
    is_wanted=_is_wanted,
)
