"""Which recipe a task has, by the kind of rows that it learns from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penjing.errors import PenjingError, UsageError
from penjing.pipeline.recipe import DEFAULT_TASK, Recipe
from penjing.pipeline.recipe_kinds.answers import AnswerRecipe
from penjing.pipeline.recipe_kinds.continuation import ContinuationRecipe
from penjing.pipeline.recipe_kinds.dialogue import DialogueRecipe
from penjing.pipeline.recipe_kinds.items import ItemRecipe
from penjing.pipeline.recipe_kinds.labels import LabelRecipe, MultilabelRecipe
from penjing.pipeline.recipe_kinds.preference import ReplyPreferenceRecipe, TextPreferenceRecipe
from penjing.pipeline.recipe_kinds.writing import WritingRecipe
from penjing.pipeline.recipe_kinds.written_answers import WrittenAnswerRecipe
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.tasks.task import Answers, load_task

RECIPES: Mapping[Answers, type[Recipe]] = {
    "label": LabelRecipe,
    "rank": LabelRecipe,
    "set": MultilabelRecipe,
    "span": AnswerRecipe,
    "text": WritingRecipe,
    "reply": DialogueRecipe,
    "items": ItemRecipe,
    "preferred text": TextPreferenceRecipe,
    "preferred reply": ReplyPreferenceRecipe,
    "continuation": ContinuationRecipe,
    "parts": MultiRecipe,
}

_ASKED = frozenset({"template", "max_target_tokens"})  # of [render], where answers are written


def recipe_class(document: Mapping[str, Any]) -> type[Recipe]:
    """Returns the class of a recipe by what its task answers with; a task that is not known is refused later.

    Of questions it counts, too, whether the network finds answers or writes them.
    """
    try:
        kind = RECIPES[load_task(document.get("task") or DEFAULT_TASK).answers]
    except (UsageError, TypeError):
        return LabelRecipe
    return WrittenAnswerRecipe if kind is AnswerRecipe and _writes_answers(document) else kind


def recipe_classes(answers: Answers) -> tuple[type[Recipe], ...]:
    """Returns the classes that a recipe may have whose task has such answers."""
    kind = RECIPES[answers]
    return (kind, WrittenAnswerRecipe) if kind is AnswerRecipe else (kind,)


def _writes_answers(document: Mapping[str, Any]) -> bool:
    """Whether the network that a document names answers in words; where it is not there, by the document's sections."""
    from penjing.pipeline.start import architecture_named  # brings torch, which other recipes need not wait for

    model = document.get("model")
    start, family = (model.get(key) if isinstance(model, Mapping) else None for key in ("start", "family"))
    if not isinstance(start, str | None) or not isinstance(family, str | None) or not (start or family):
        return False
    try:
        return architecture_named(start, family, "[model]").writes_answers
    except PenjingError:  # it is refused later
        render = document.get("render")
        return "write" in document or (isinstance(render, Mapping) and not _ASKED.isdisjoint(render))
