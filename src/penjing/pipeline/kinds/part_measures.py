"""What the parts of a model are worth, each as if it stood alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

from penjing.data.questions import read_questions
from penjing.data.reading import read_pairs, read_split
from penjing.evaluate.answers import evaluate_answer_baselines
from penjing.evaluate.evaluation import LabelledTexts, evaluate_baselines
from penjing.evaluate.writing import evaluate_writing_baselines
from penjing.pipeline.kinds.answers import measure_answers, score_answers
from penjing.pipeline.kinds.kind import SPLITS
from penjing.pipeline.kinds.labels import measure_labels, score_labels
from penjing.pipeline.kinds.writing import measure_writing, score_writing
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import AnswerRecipe, LabelRecipe, WritingRecipe
from penjing.pipeline.recipe_parts import AnswerPart, LabelPart, MultiRecipe
from penjing.progress import Progress, Silent
from penjing.tasks.choosing_model import ChoosingModel
from penjing.tasks.model import Model
from penjing.tasks.task import WritingTask
from penjing.tasks.writing_model import WritingModel
from penjing.tasks.written_answers import WrittenAnswerModel

_PROBED_ROWS = 32


def part_recipe(recipe: MultiRecipe, name: str) -> Recipe:
    """Returns a recipe of a part alone: its rows, and how they are measured."""
    part = recipe.parts[name]
    values: dict[str, Any] = {
        "name": recipe.name,
        "task": part.task,
        "seed": recipe.seed,
        "evaluate": recipe.evaluate,
        "data": part.data,
    }
    if isinstance(part, LabelPart):
        return LabelRecipe(**values)
    if isinstance(part, AnswerPart):
        return AnswerRecipe(**values)
    return WritingRecipe(**values, write=recipe.write)


def measure_part(recipe: MultiRecipe, name: str, model: Model, data: Path, progress: Progress) -> dict[str, Any]:
    """Returns what a part and its baselines are worth on the test rows of a folder of its own."""
    alone = part_recipe(recipe, name)
    if isinstance(model, ChoosingModel):
        return measure_labels(alone, model, data, progress)
    if isinstance(model, WrittenAnswerModel):
        return measure_answers(alone, model, data, progress)
    return measure_writing(alone, cast("WritingModel", model), data, progress)


def score_part(recipe: MultiRecipe, name: str, model: Model, data: Path, progress: Progress) -> dict[str, Any]:
    """Returns what a part alone is worth on those rows: ``rows``, ``scores`` and more."""
    alone = part_recipe(recipe, name)
    if isinstance(model, ChoosingModel):
        return score_labels(alone, model, LabelledTexts(*read_split(data, "test")))
    if isinstance(model, WrittenAnswerModel):
        return score_answers(alone, model, read_questions(data, "test"), progress)
    return score_writing(alone, cast("WritingModel", model), read_pairs(data, "test"), progress)


def time_part(recipe: Recipe, model: Model, data: Path) -> tuple[float, int]:
    """Returns about how many seconds `measure_part` will take, by some of its rows and all baselines, and the rows."""
    resamples, seed = recipe.evaluate.resamples, recipe.seed
    silent = Silent()
    began = time.perf_counter()
    if isinstance(model, ChoosingModel):
        train, validation, test = (LabelledTexts(*read_split(data, split)) for split in SPLITS)
        rows, few = len(test.texts), list(test.texts[:_PROBED_ROWS])
        evaluate_baselines(model, train, validation, test, [True] * rows, resamples=resamples, seed=seed)
        fitted = time.perf_counter()
        model.predict_texts(few)
    elif isinstance(model, WrittenAnswerModel):
        asked, questions = read_questions(data, "train"), read_questions(data, "test")
        rows, some = len(questions), questions[:_PROBED_ROWS]
        evaluate_answer_baselines(
            model.task, asked, questions, [""] * rows, resamples=resamples, seed=seed, progress=silent
        )
        fitted = time.perf_counter()
        model.answer([item.question for item in some], [item.text for item in some])
    else:
        writing, known, pairs = cast("WritingModel", model), read_pairs(data, "train"), read_pairs(data, "test")
        rows, task = len(pairs.texts), writing.task
        assert isinstance(task, WritingTask)
        evaluate_writing_baselines(task, known, pairs, pairs.targets, resamples=resamples, seed=seed, progress=silent)
        fitted = time.perf_counter()
        writing.write(pairs.texts[:_PROBED_ROWS])
    return (time.perf_counter() - fitted) * rows / min(rows, _PROBED_ROWS) + fitted - began, rows
