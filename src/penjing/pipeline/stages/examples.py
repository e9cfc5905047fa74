"""The rows as token shards, one a split, with what was cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.pipeline.kinds import kind_of
from penjing.pipeline.kinds.names import vectors_folder
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.recipe_kinds import ContinuationRecipe, LabelRecipe
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.start import architecture_of, encoder_files, files_of_encoder, start_folder


def _run(context: StageContext) -> dict[str, Any]:
    return kind_of(context.recipe).write_examples(context.recipe, context.inputs, context.folder, context.progress)


def _settings(recipe: Recipe) -> Any:
    """Returns the layout of rows, and of those that go on with a text whether the network reads it apart."""
    goes_on = isinstance(recipe, ContinuationRecipe) or (isinstance(recipe, LabelRecipe) and recipe.names is not None)
    reads_apart = goes_on and architecture_of(recipe).is_encoder_decoder
    return [recipe.layout, {"reads_apart": True}] if reads_apart else recipe.layout


def _files(recipe: Recipe) -> list[Path]:
    """Returns what makes vectors of texts, and, where names are written, the config of the model that does."""
    if not isinstance(recipe, LabelRecipe) or recipe.names is None:
        return encoder_files(recipe)
    encoder, start = vectors_folder(recipe), start_folder(recipe)
    files = files_of_encoder(encoder)
    return files if start is None else [*files, start / "config.json"]


EXAMPLES = Stage(
    "examples",
    inputs=("data", "tokenizer"),
    settings=_settings,
    run=_run,
    files=_files,
    is_wanted=has_data,
)
