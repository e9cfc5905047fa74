"""Word vectors over the corpus, as a start for the embeddings."""

from __future__ import annotations

from typing import Any

from penjing.errors import RecipeError
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.start import architecture_of, config_values
from penjing.text.shards import open_shard
from penjing.text.tokenizer import load_tokenizer
from penjing.text.vectors import save_vectors, train_vectors


def _run(context: StageContext) -> dict[str, Any]:
    recipe = context.recipe
    assert recipe.vectors is not None
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    shard = open_shard(context.inputs["shards"] / "texts")
    size = vector_size(recipe)
    vectors = train_vectors(shard, tokenizer.vocab_size, size, recipe.vectors, recipe.seed, context.progress)
    save_vectors(context.folder, vectors)
    return {"vectors": len(vectors), "size": size}


def vector_size(recipe: Recipe) -> int:
    """Returns the width of the network's embeddings."""
    architecture = architecture_of(recipe)
    config = architecture.config_from_dict(config_values(recipe, vocab_size=1000, pad_id=0, end_id=0))
    return architecture.embedding_size(config)


def _settings(recipe: Recipe) -> Any:
    return [recipe.seed, vector_size(recipe), recipe.vectors and recipe.vectors.model_dump(mode="json")]


def wants_vectors(recipe: Recipe) -> bool:
    """Whether the recipe has word vectors.

    Raises:
        RecipeError: they would overwrite what it starts from.
    """
    if recipe.vectors and recipe.model.start:
        raise RecipeError(
            "[vectors] would overwrite the embeddings of [model] start", where=recipe.name, do="Remove one of the two."
        )
    return recipe.vectors is not None


VECTORS = Stage(
    "vectors",
    inputs=("tokenizer", "shards"),
    settings=_settings,
    run=_run,
    is_wanted=wants_vectors,
)
