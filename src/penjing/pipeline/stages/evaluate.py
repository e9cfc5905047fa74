"""Evaluation: the model and the baselines on the test rows."""

from __future__ import annotations

from typing import Any

from penjing.files import write_json
from penjing.pipeline.batch_teaching import batch_teacher_files
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.teaching import with_teachers_rows

EVALUATION = "evaluation.json"


def _run(context: StageContext) -> dict[str, Any]:
    evaluated = kind_of(context.recipe).evaluate(context.recipe, context.inputs, context.progress)
    document = with_teachers_rows(evaluated.document, context.recipe, context.inputs["data"])
    write_json(context.folder / EVALUATION, document)
    return evaluated.facts


def _settings(recipe: Recipe) -> Any:
    return [recipe.seed, recipe.evaluate.model_dump(mode="json"), *recipe.answering.values()]


EVALUATE = Stage(
    "evaluate",
    inputs=("data", "finetune", "reference", "teach"),
    settings=_settings,
    run=_run,
    files=batch_teacher_files,
    is_wanted=has_data,
)
