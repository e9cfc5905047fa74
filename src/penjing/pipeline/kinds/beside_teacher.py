"""A larger model reads each batch with the one that learns, which learns how probable it finds what may stand there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from torch import nn

from penjing.errors import RecipeError
from penjing.models.interface import EncoderDecoderModel
from penjing.pipeline.kinds.kind import Lesson
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import batch_teaching
from penjing.pipeline.teaching import describe_folders, teacher_folders
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.loading import load_as, load_language_network
from penjing.train.objectives.span_extraction import SpanExtractionObjective
from penjing.train.objectives.taught_spans import TaughtSpanObjective
from penjing.train.objectives.taught_writing import TaughtWritingObjective
from penjing.train.objectives.writing import WritingObjective


def beside_teacher(lesson: Lesson, recipe: Recipe, network: nn.Module) -> Lesson:
    """Returns a lesson with a teacher beside what the rows say; without ``[finetune.distill]`` as it was.

    Args:
        lesson: of tokens that are learned one after another.
        recipe: names the teacher, which `penjing.pipeline.batch_teaching` has checked.
        network: that learns.

    Raises:
        RecipeError: two encoder-decoders begin with different tokens.
    """
    distill = batch_teaching(recipe)
    if distill is None:
        return lesson
    (folder,) = teacher_folders(recipe)
    teacher = load_language_network(folder, recipe.finetune.device)
    if isinstance(network, EncoderDecoderModel) and isinstance(teacher, EncoderDecoderModel):
        own, theirs = network.decoder_start_id, teacher.decoder_start_id
        if own != theirs:
            raise RecipeError(
                f"the teacher begins what it writes with the token {theirs}, and the model that learns with {own}",
                where=f"[finetune.distill] teacher = {folder}",
                do="Name another teacher.",
            )
    learned = cast("WritingObjective", lesson.objective)
    return replace(lesson, objective=TaughtWritingObjective(learned, teacher, distill.temperature, distill.weight))


def beside_span_teacher(lesson: Lesson, recipe: Recipe) -> Lesson:
    """Returns a lesson of answers in texts with a teacher beside them; without ``[finetune.distill]`` as it was.

    Args:
        lesson: of both ends of answers.
        recipe: names the teacher, which `penjing.pipeline.batch_teaching` has checked.
    """
    distill = batch_teaching(recipe)
    if distill is None:
        return lesson
    (folder,) = teacher_folders(recipe)
    teacher = load_as(AnswerModel, folder, recipe.finetune.device).extractor.network
    learned = cast("SpanExtractionObjective", lesson.objective)
    return replace(lesson, objective=TaughtSpanObjective(learned, teacher, distill.temperature, distill.weight))


def with_teacher(document: dict[str, Any], recipe: Recipe, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Returns what was measured of a model, with the scores of its teacher; without one as it was.

    Args:
        document: of the model.
        recipe: names the teacher.
        measure: returns ``rows`` and ``scores`` of the teacher on the same rows.
    """
    if batch_teaching(recipe) is None:
        return document
    measured = measure()
    (described,) = describe_folders(recipe)
    return {**document, "teachers": {"1": {key: measured[key] for key in ("rows", "scores")} | described}}
