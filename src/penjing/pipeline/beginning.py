"""What a fresh language model begins with, and how fast its words learn."""

from __future__ import annotations

from typing import Any, TypeVar

from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.recipe_kinds import practicing
from penjing.pipeline.start import ANY_ENTRIES, architecture_of, choose_learning_rate, config_values, start_folder
from penjing.train.settings import TrainSettings

Settings = TypeVar("Settings", bound=TrainSettings)


def begins_by_pretraining(recipe: Recipe) -> str | None:
    """Returns how the language model begins that a recipe pretrains; None where it is drawn at random, or given."""
    return _beginning(recipe) if _pretrains(recipe) else None


def begins_by_finetuning(recipe: Recipe) -> str | None:
    """Returns how the language model begins that a recipe fine-tunes without any pretraining; None as above."""
    return _beginning(recipe) if _finetunes(recipe) else None


def with_embedding_rates(recipe: Recipe) -> Recipe:
    """Returns a recipe with the rate that suits the embeddings of a fresh language model, where it names none."""
    filled: dict[str, Any] = {}
    if recipe.pretrain is not None and _pretrains(recipe):
        filled["pretrain"] = _with_embedding_rate(recipe, recipe.pretrain)
    elif _finetunes(recipe) and recipe.finetune.adapters is None:
        filled["finetune"] = _with_embedding_rate(recipe, recipe.finetune)
    return recipe.model_copy(update=filled)


def _pretrains(recipe: Recipe) -> bool:
    return recipe.pretrain is not None and start_folder(recipe) is None


def _finetunes(recipe: Recipe) -> bool:
    is_fresh = recipe.pretrain is None and start_folder(recipe) is None and practicing(recipe) is None
    return is_fresh and has_data(recipe) and kind_of(recipe).head == "language"


def _beginning(recipe: Recipe) -> str | None:
    architecture, config = architecture_of(recipe), _config(recipe)
    if recipe.vectors is not None and architecture.embedding_rate(config) is not None:
        return None  # it is made for words with a spread that vectors do not have
    return architecture.beginning(config)


def _with_embedding_rate(recipe: Recipe, settings: Settings) -> Settings:
    suited = architecture_of(recipe).embedding_rate(_config(recipe))
    if suited is None or recipe.vectors is not None or "embedding_rate" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"embedding_rate": suited / choose_learning_rate(recipe, settings)})


def _config(recipe: Recipe) -> Any:
    return architecture_of(recipe).config_from_dict(config_values(recipe, ANY_ENTRIES, 0, 0))
