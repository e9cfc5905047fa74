"""What a run's report says of each task of a model of several."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from penjing.pipeline.kinds.part_measures import part_recipe
from penjing.pipeline.outcome import Outcome
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.pipeline.stage import Artifact


def describe_parts(recipe: MultiRecipe, outcome: Outcome) -> dict[str, tuple[dict[str, Any], tuple[Recipe, Outcome]]]:
    """Returns of each part how it was mixed, and the recipe and the outcome that it would have alone."""
    done = outcome.artifacts
    examples, best = done["examples"].facts, done["finetune"].facts["best"]
    described = {}
    for name, part in recipe.parts.items():
        mixed = examples["parts"][name]
        alone = replace(
            outcome,
            artifacts={**done, **_artifacts_of_part(name, done)},
            evaluation=outcome.evaluation["parts"][name],
            predictions=outcome.parts.get(name, ()),
        )
        told = {
            "template": part.template,
            "share": mixed["share"],
            "rows": {split: counts["rows"] for split, counts in mixed["splits"].items()},
            "rows_an_epoch": mixed["rows_an_epoch"],
            "validation_loss": best.get(f"validation_loss.{name}"),
            "max_target_tokens": examples["max_target_tokens"],
        }
        described[name] = told, (part_recipe(recipe, name), alone)
    return described


def _artifacts_of_part(name: str, done: dict[str, Artifact]) -> dict[str, Artifact]:
    """Returns the stages of data and examples, as if there were no other part."""
    examples, own = done["examples"].facts, done["examples"].facts["parts"][name]["splits"]
    none = {"unknown_tokens": 0}  # they are counted of all parts together
    splits = {split: {**counts, **none} for split, counts in own.items()}
    facts = {"data": done["data"].facts["parts"][name], "examples": {**examples, "splits": splits}}
    return {stage: replace(done[stage], record={**done[stage].record, "facts": told}) for stage, told in facts.items()}
