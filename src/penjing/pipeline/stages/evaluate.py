"""Evaluation: the model and the baselines on the test rows."""

from __future__ import annotations

from typing import Any

from penjing.files import write_json
from penjing.pipeline.batch_teaching import batch_teacher_files
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.recipe_kinds import DialogueRecipe, MultilabelRecipe
from penjing.pipeline.recipe_parts import AnswerPart, MultiRecipe
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.teaching import with_teachers_rows
from penjing.pipeline.written_chinese import writing_rules
from penjing.tasks.baselines import WORD_LISTS
from penjing.tasks.task import LabelTask, load_task

EVALUATION = "evaluation.json"
#: Raised when one kind of recipe is measured by another rule, so that it alone is measured again.
_REPLIES_RATED = 3  # beside a cache
_ANSWERS_PLACED = 1  # parts whose written answers are given as they stand in their texts
_LABELS_CALIBRATED = 1  # sets of labels, by ECE too


def _run(context: StageContext) -> dict[str, Any]:
    evaluated = kind_of(context.recipe).evaluate(context.recipe, context.inputs, context.progress)
    document = with_teachers_rows(evaluated.document, context.recipe, context.inputs["data"])
    write_json(context.folder / EVALUATION, document)
    return evaluated.facts


def _settings(recipe: Recipe) -> Any:
    answering = recipe.answering.values()
    return [recipe.seed, recipe.evaluate.model_dump(mode="json"), *answering, *_word_lists(recipe), *_rules(recipe)]


def _rules(recipe: Recipe) -> list[int]:
    if isinstance(recipe, DialogueRecipe):
        return [_REPLIES_RATED]
    if isinstance(recipe, MultilabelRecipe):
        return [_LABELS_CALIBRATED]
    has_answers = isinstance(recipe, MultiRecipe) and any(
        isinstance(part, AnswerPart) for part in recipe.parts.values()
    )
    return [_ANSWERS_PLACED] if has_answers else []


def _word_lists(recipe: Recipe) -> list[str]:
    """Returns the baselines that need a package which is there: the model is measured beside them once it is."""
    names = [part.task for part in recipe.parts.values()] if isinstance(recipe, MultiRecipe) else [recipe.task]
    tasks = [load_task(name) for name in names if name is not None]
    asked = {name for task in tasks if isinstance(task, LabelTask) for name in task.baselines}
    return [name for name, is_there in WORD_LISTS.items() if name in asked and is_there()]


EVALUATE = Stage(
    "evaluate",
    inputs=("data", "finetune", "reference", "teach"),
    settings=_settings,
    run=_run,
    files=batch_teacher_files,
    is_wanted=has_data,
    version=3,
    rules=writing_rules,
)
