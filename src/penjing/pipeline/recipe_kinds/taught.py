"""What recipes of any kind say of the models that theirs learns from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penjing.data.unlabelled import UnlabelledData
from penjing.pipeline.recipe import Recipe
from penjing.train.distill_settings import (
    AskedTeacherSettings,
    BatchTeacherSettings,
    DistillSettings,
    TeacherSettings,
)


def distilling(recipe: Recipe) -> TeacherSettings | None:
    """Returns ``[finetune.distill]``; None where nothing is learned from teachers."""
    return recipe.finetune.teaching


def asking_teachers(recipe: Recipe) -> AskedTeacherSettings | None:
    """Returns ``[finetune.distill]`` where teachers are asked before the training; None elsewhere."""
    distill = distilling(recipe)
    return distill if isinstance(distill, AskedTeacherSettings) else None


def own_generations(recipe: Recipe) -> tuple[int, ...]:
    """Returns how many teachers of its own kind each generation has that is still to be trained; none elsewhere."""
    distill = distilling(recipe)
    return distill.generations if isinstance(distill, DistillSettings) and not distill.teachers else ()


def trained_teachers(recipe: Recipe) -> dict[str, Any]:
    """Returns ``generations`` and ``recipes`` of teachers that the run trains itself; nothing elsewhere."""
    distill = distilling(recipe)
    if not isinstance(distill, DistillSettings) or not distill.generations:
        return {}
    return distill.model_dump(mode="json", include={"generations", "recipes"})


def batch_teaching(recipe: Recipe) -> BatchTeacherSettings | None:
    """Returns ``[finetune.distill]`` where a teacher reads each batch with the model that learns; None elsewhere."""
    distill = distilling(recipe)
    return distill if isinstance(distill, BatchTeacherSettings) else None


def change_unlabelled(recipe: Recipe, change: Callable[[UnlabelledData], dict[str, Any]]) -> Recipe:
    """Returns a recipe with other values under ``[finetune.distill.unlabelled]``, where it has that section."""
    distill = asking_teachers(recipe)
    if distill is None or distill.unlabelled is None:
        return recipe
    unlabelled = distill.unlabelled.model_copy(update=change(distill.unlabelled))
    changed = distill.model_copy(update={"unlabelled": unlabelled})
    return recipe.model_copy(update={"finetune": recipe.finetune.model_copy(update={"distill": changed})})
