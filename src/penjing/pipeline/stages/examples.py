"""The rows as token shards, one a split, with what was cut."""

from __future__ import annotations

from typing import Any

from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import has_data
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.start import encoder_files


def _run(context: StageContext) -> dict[str, Any]:
    return kind_of(context.recipe).write_examples(context.recipe, context.inputs, context.folder, context.progress)


EXAMPLES = Stage(
    "examples",
    inputs=("data", "tokenizer"),
    settings=lambda recipe: recipe.render.model_dump(mode="json"),
    run=_run,
    files=encoder_files,
    is_wanted=has_data,
)
