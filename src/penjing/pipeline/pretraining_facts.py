"""Facts of pretraining, for the report of a language model."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.recipe import Recipe
from penjing.pipeline.report.language_facts import TrainingFacts
from penjing.pipeline.stage import Artifact
from penjing.train.history import HISTORY, read_history

_WINDOWS = ("left_out_tokens", "held_out_left_out_tokens", "twice_tokens")


def count_language_tokens(recipe: Recipe, done: dict[str, Artifact]) -> dict[str, Any]:
    """Returns how the corpus became tokens."""
    assert recipe.pretrain is not None
    tokenizer, shards = done["tokenizer"].facts, done["shards"].facts
    return {
        "vocabulary": tokenizer["vocabulary"],
        "kind": tokenizer["kind"],
        "window_tokens": recipe.pretrain.window_tokens,
        "pretraining_tokens": shards["tokens"],
        **{name: done["pretrain"].facts[name] for name in _WINDOWS if name in done["pretrain"].facts},
        "unknown_share": shards["unknown_share"],
    }


def describe_training(pretrain: Artifact) -> dict[str, Any]:
    """Returns how long pretraining took, and what came of it."""
    facts = pretrain.facts
    return {
        **{name: facts[name] for name in TrainingFacts.model_fields if name in facts},
        "validation_loss": facts["best"].get("validation_loss"),
    }


def read_growth(pretrain: Artifact) -> dict[str, Any]:
    """Returns what was written at each evaluation, with the prompts of then, which may not be the recipe's of now."""
    return {
        "prompts": pretrain.facts.get("prompts", []),
        "moments": [
            {"tokens": record["tokens"], "texts": record["samples"]}
            for record in read_history(pretrain.folder / HISTORY)
            if "samples" in record
        ],
    }
