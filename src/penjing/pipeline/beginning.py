"""What a fresh language model begins with, and how fast its words learn."""

from __future__ import annotations

from typing import Any, TypeVar

from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.start import architecture_of, choose_learning_rate, config_values, start_folder
from penjing.train.settings import TrainSettings

Settings = TypeVar("Settings", bound=TrainSettings)

_ANY_ENTRIES = 2**20  # of a vocabulary that is not known yet: it does not decide what is asked here


def begins_by_pretraining(recipe: Recipe) -> bool:
    """Whether the recipe pretrains a language model that has learned nothing yet."""
    return recipe.pretrain is not None and start_folder(recipe) is None


def begins_by_finetuning(recipe: Recipe) -> bool:
    """Whether the recipe fine-tunes a language model that has learned nothing yet."""
    is_fresh = recipe.pretrain is None and start_folder(recipe) is None
    return is_fresh and has_data(recipe) and kind_of(recipe).head == "language"


def beginning_of(recipe: Recipe) -> list[str]:
    """Returns how a fresh language model of the recipe begins, if it is a
    `penjing.train.frequencies.Beginner`, for the keys of stages."""
    beginning = getattr(architecture_of(recipe).language_model, "beginning", None)
    return [beginning] if beginning else []


def with_embedding_rate(recipe: Recipe, settings: Settings) -> Settings:
    """Returns the settings of a fresh language model's training with the embeddings' rate that suits its family.

    A rate that the recipe names is left as it is.
    """
    if "embedding_rate" in settings.model_fields_set:
        return settings
    architecture = architecture_of(recipe)
    config: Any = architecture.config_from_dict(config_values(recipe, _ANY_ENTRIES, 0, 0))
    suited = architecture.embedding_rate(config)
    if suited is None:
        return settings
    return settings.model_copy(update={"embedding_rate": suited / choose_learning_rate(recipe, settings)})
