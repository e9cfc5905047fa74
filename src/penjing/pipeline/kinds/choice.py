"""Which kind a recipe's task is of."""

from __future__ import annotations

from collections.abc import Mapping

from penjing.pipeline.kinds.answers import AnswerKind
from penjing.pipeline.kinds.continuation import ContinuationKind
from penjing.pipeline.kinds.dialogue import DialogueKind
from penjing.pipeline.kinds.items import ItemKind
from penjing.pipeline.kinds.kind import Kind
from penjing.pipeline.kinds.labels import LabelKind
from penjing.pipeline.kinds.multilabel import MultilabelKind
from penjing.pipeline.kinds.ordinal import OrdinalKind
from penjing.pipeline.kinds.parts import MultiKind
from penjing.pipeline.kinds.writing import WritingKind
from penjing.pipeline.recipe import DEFAULT_TASK, Recipe
from penjing.tasks.task import Answers, load_task

KINDS: Mapping[Answers, Kind] = {
    "label": LabelKind(),
    "rank": OrdinalKind(),
    "set": MultilabelKind(),
    "span": AnswerKind(),
    "text": WritingKind(),
    "reply": DialogueKind(),
    "items": ItemKind(),
    "continuation": ContinuationKind(),
    "parts": MultiKind(),
}


def kind_of(recipe: Recipe) -> Kind:
    """Returns the kind of a recipe's task."""
    return KINDS[load_task(recipe.task or DEFAULT_TASK).answers]
