"""A larger model reads each batch with the one that learns, which learns how probable it finds what may stand there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from torch import nn

from penjing.data.histories import Catalog
from penjing.errors import RecipeError
from penjing.inference.ranking import KnownRanker
from penjing.models.interface import EncoderDecoderModel
from penjing.pipeline.kinds.kind import Lesson
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import batch_teaching
from penjing.pipeline.teaching import describe_folders, teacher_folders
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.item_model import ItemModel
from penjing.tasks.loading import load_as, load_language_network
from penjing.train.objectives.span_extraction import SpanExtractionObjective
from penjing.train.objectives.taught_spans import TaughtSpanObjective
from penjing.train.objectives.taught_writing import TaughtWritingObjective
from penjing.train.objectives.writing import ContinuationObjective, WritingObjective


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


def beside_item_teacher(lesson: Lesson, recipe: Recipe, catalog: Catalog) -> Lesson:
    """Returns a lesson of what comes next with a teacher beside the events; without ``[finetune.distill]`` as it was.

    Args:
        lesson: of all items at each place of histories.
        recipe: names the teacher.
        catalog: the items that are ranked.

    Raises:
        RecipeError: the teacher ranks other items.
    """
    distill = batch_teaching(recipe)
    if distill is None:
        return lesson
    teacher = KnownRanker(item_teacher(recipe, catalog).engine)
    learned = cast("ContinuationObjective", lesson.objective)
    return replace(lesson, objective=TaughtWritingObjective(learned, teacher, distill.temperature, distill.weight))


def item_teacher(recipe: Recipe, catalog: Catalog) -> ItemModel:
    """Returns the teacher of a recipe of events.

    Args:
        recipe: names it.
        catalog: the items that its student ranks.

    Raises:
        RecipeError: the teacher ranks others, or in another order.
    """
    (folder,) = teacher_folders(recipe)
    teacher = load_as(ItemModel, folder, recipe.finetune.device)
    if teacher.catalog.ids != catalog.ids:
        common = len(set(teacher.catalog.ids) & set(catalog.ids))
        raise RecipeError(
            f"the teacher ranks {len(teacher.catalog.ids):,} items, of which {common:,} are among the "
            f"{len(catalog.ids):,} of [data]; they must be the very same, in the same order",
            where=f"[finetune.distill] teacher = {folder}",
            do="Give both the same events, items and seed.",
        )
    return teacher


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
