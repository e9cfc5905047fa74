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
from penjing.pipeline.kinds.names import NameKind
from penjing.pipeline.kinds.ordinal import OrdinalKind
from penjing.pipeline.kinds.parts import MultiKind
from penjing.pipeline.kinds.preference import ReplyPreferenceKind, TextPreferenceKind
from penjing.pipeline.kinds.writing import WritingKind
from penjing.pipeline.kinds.written_answers import WrittenAnswerKind
from penjing.pipeline.recipe import DEFAULT_TASK, Recipe
from penjing.pipeline.recipe_kinds import LabelRecipe, WrittenAnswerRecipe
from penjing.tasks.task import Answers, load_task

KINDS: Mapping[Answers, Kind] = {
    "label": LabelKind(),
    "rank": OrdinalKind(),
    "set": MultilabelKind(),
    "span": AnswerKind(),
    "text": WritingKind(),
    "reply": DialogueKind(),
    "items": ItemKind(),
    "preferred text": TextPreferenceKind(),
    "preferred reply": ReplyPreferenceKind(),
    "continuation": ContinuationKind(),
    "parts": MultiKind(),
}
NAMES, WRITTEN_ANSWERS = NameKind(), WrittenAnswerKind()


def kind_of(recipe: Recipe) -> Kind:
    """Returns the kind of a recipe's task, which may be done by the names of labels, or by writing an answer."""
    if isinstance(recipe, LabelRecipe) and recipe.names is not None:
        return NAMES
    if isinstance(recipe, WrittenAnswerRecipe):
        return WRITTEN_ANSWERS
    return KINDS[load_task(recipe.task or DEFAULT_TASK).answers]
