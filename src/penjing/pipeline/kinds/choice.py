"""Which kind a recipe's task is of."""

from __future__ import annotations

from penjing.pipeline.kinds.kind import Kind
from penjing.pipeline.kinds.labels import LabelKind
from penjing.pipeline.kinds.writing import WritingKind
from penjing.pipeline.recipe import Recipe, WritingRecipe


def kind_of(recipe: Recipe) -> Kind:
    """Returns the kind of a recipe's task."""
    return WritingKind() if isinstance(recipe, WritingRecipe) else LabelKind()
