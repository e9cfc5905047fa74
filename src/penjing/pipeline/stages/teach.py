"""What teachers say of the training rows, and of texts without labels: asked once, before the training."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import asking_teachers
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.teaching import PARTS, teacher_files, teacher_folders
from penjing.train.distill_settings import DistillSettings


def _asks_teachers(recipe: Recipe) -> bool:
    return asking_teachers(recipe) is not None


def _run(context: StageContext) -> dict[str, Any]:
    return kind_of(context.recipe).teach(context.recipe, context.inputs, context.folder, context.progress)


def _settings(recipe: Recipe) -> Any:
    # Whose files they are is said by their number alone; how their answers are learned changes none of them.
    distill = asking_teachers(recipe)
    asking = [] if distill is None else distill.asking
    precision = [recipe.finetune.precision] if isinstance(distill, DistillSettings) else []
    return [len(teacher_folders(recipe)), recipe.render.model_dump(mode="json"), *precision, *asking]


TEACH = Stage(
    "teach",
    inputs=("data", "unlabelled", "recombined", "tokenizer"),
    settings=_settings,
    run=_run,
    files=teacher_files,
    is_wanted=_asks_teachers,
    is_resumable=True,
    scratch=(PARTS,),
)
