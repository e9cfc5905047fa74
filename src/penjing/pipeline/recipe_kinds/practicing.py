"""What recipes say of practice, those that have it."""

from __future__ import annotations

from penjing.pipeline.practice_settings import Practice, Room
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds.answers import AnswerRecipe
from penjing.pipeline.recipe_kinds.writing import WritingRecipe
from penjing.pipeline.recipe_kinds.written_answers import WrittenAnswerRecipe


def practicing(recipe: Recipe) -> Practice | None:
    """Returns ``[practice]``; None where nothing is practiced."""
    return recipe.practice if isinstance(recipe, WritingRecipe | AnswerRecipe | WrittenAnswerRecipe) else None


def practicing_room(recipe: Recipe) -> Room:
    """Returns how many words there is room for in what the recipe's model reads, and in what it writes."""
    written = recipe.render.max_target_tokens if isinstance(recipe, WritingRecipe | WrittenAnswerRecipe) else 0
    return Room.of_tokens(recipe.render.max_tokens, written)
