"""What a run's report says of labels that are answered by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import LabelRecipe


def describe_names(recipe: Recipe, examples: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the values of a `NameFacts`, by what the stage of examples counted; None where a head scores labels."""
    if not isinstance(recipe, LabelRecipe) or recipe.names is None:
        return None
    test = examples["splits"]["test"]
    counts = {"shown": test["examples"], "dropped": test["dropped"]}
    return {**examples["names"], **counts, **recipe.names.choice.model_dump(mode="json")}
