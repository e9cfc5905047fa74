"""The reference: how probable every answer is under the model that learning from preferences starts from.

It is measured once, before anything is learned, so that this model need not be held in memory beside the one that
learns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.files import write_beside
from penjing.models.device import choose_device, choose_precision
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.kinds.preference import first_pairs, reference_file
from penjing.pipeline.kinds.shards import filled_splits
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import PreferenceRecipe
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.start import (
    architecture_of,
    config_values,
    load_start,
    model_settings,
    start_files,
)
from penjing.progress import Progress
from penjing.text.shards import open_shard
from penjing.text.tokenizer import load_tokenizer
from penjing.train.answer_measuring import measure_answers
from penjing.train.pair_batches import PairLimits


def learns_preferences(recipe: Recipe) -> bool:
    """Whether a recipe compares with the model that it starts from."""
    return isinstance(recipe, PreferenceRecipe) and recipe.data is not None


def _run(context: StageContext) -> dict[str, Any]:
    network = load_reference(context.recipe, context.inputs)
    rows = tokens = 0
    total = 0.0
    for split in filled_splits(context.inputs["data"]):
        found, answer_tokens = measure_split(network, context.recipe, context.inputs, split, context.progress)
        with write_beside(reference_file(context.folder, split)) as beside, beside.open("wb") as file:
            file.write(found.tobytes())
        rows, tokens, total = rows + len(found) // 2, tokens + answer_tokens, total + float(found.sum())
    return {"rows": rows, "tokens": tokens, "log_probability": total / max(1, tokens)}


def load_reference(recipe: Recipe, inputs: dict[str, Path]) -> nn.Module:
    """Returns the network that a recipe starts from, with its weights, where it computes."""
    tokenizer, architecture = load_tokenizer(inputs["tokenizer"]), architecture_of(recipe)
    values = config_values(recipe, tokenizer.vocab_size, tokenizer.pad_id, tokenizer.end_id)
    config = architecture.config_from_dict(values)
    network = kind_of(recipe).make_network(architecture, config, inputs)
    architecture.initialize(network, config, recipe.finetuning_seed)
    load_start(network, recipe)
    return network.to(choose_device(recipe.device))


def measure_split(
    network: nn.Module, recipe: Recipe, inputs: dict[str, Path], split: str, progress: Progress, rows: int | None = None
) -> tuple[NDArray[np.float64], int]:
    """Returns the log-probability of each answer of a split, and how many tokens the answers have.

    Test rows are measured in fp32, as evaluation does; the others in the precision of training.

    Args:
        network: as `load_reference` makes it.
        recipe: what is to be learned.
        inputs: the folders of finished stages.
        split: of the rows.
        progress: told how many pairs are measured.
        rows: measure the first so many pairs; None: all.
    """
    settings, shard = recipe.finetune, first_pairs(open_shard(inputs["examples"] / split), rows)
    precision = choose_precision(settings.precision, choose_device(recipe.device))
    found = measure_answers(
        network,
        shard,
        load_tokenizer(inputs["tokenizer"]).pad_id,
        PairLimits(settings.batch_tokens, settings.batch_rows),
        torch.float32 if split == "test" else precision,
        progress,
    )
    return found, int((shard.lengths - shard.labels).sum())


def _settings(recipe: Recipe) -> Any:
    finetune = recipe.finetune
    drawn = [] if recipe.finetuning_seed == recipe.seed else [recipe.finetuning_seed]
    return [model_settings(recipe), finetune.precision, finetune.batch_tokens, finetune.batch_rows, *drawn]


REFERENCE = Stage(
    "reference",
    inputs=("data", "tokenizer", "examples"),
    settings=_settings,
    run=_run,
    files=start_files,
    is_wanted=learns_preferences,
)
