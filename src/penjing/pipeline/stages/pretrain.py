"""Pretraining: a language model over the corpus."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import nn

from penjing.models.interface import Architecture, count_parameters
from penjing.models.weights import load_backbone, save_network
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.start import architecture_of, config_values, model_settings, start_files, start_folder
from penjing.text.shards import open_shard
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.text.vectors import load_vectors
from penjing.train.batches import WindowBatches
from penjing.train.objectives import CausalObjective, MaskedObjective, Objective
from penjing.train.optimizer import input_embeddings
from penjing.train.settings import PretrainSettings
from penjing.train.trainer import Trainer


def _run(context: StageContext) -> dict[str, Any]:
    recipe, settings = context.recipe, context.recipe.pretrain
    assert settings is not None
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    architecture, network, config = build_language_model(recipe, tokenizer)
    if "vectors" in context.inputs:
        put_vectors(network, load_vectors(context.inputs["vectors"]))
    shards = context.inputs["shards"]
    result = Trainer(
        network,
        build_objective(settings, tokenizer, config),
        WindowBatches(open_shard(shards / "texts"), settings.window_tokens, settings.batch_tokens, recipe.seed),
        _validation(context, settings),
        settings,
        folder=context.folder,
        seed=recipe.seed,
        name="pretrain",
        progress=context.progress,
    ).run()
    save_network(context.folder / "model", network, architecture.config_to_dict(config, head="language"))
    tokenizer.save(context.folder / "model")
    for leftover in ("checkpoints", "best"):
        shutil.rmtree(context.folder / leftover, ignore_errors=True)
    return {**asdict(result), "parameters": count_parameters(network), "objective": settings.objective}


def build_language_model(recipe: Recipe, tokenizer: Tokenizer) -> tuple[Architecture, nn.Module, Any]:
    """Returns the architecture, a freshly initialised language model (or the one to start from) and its config."""
    architecture = architecture_of(recipe)
    config = architecture.config_from_dict(config_values(recipe, tokenizer.vocab_size, tokenizer.pad_id))
    network = architecture.language_model(config)
    architecture.initialize(network, config, recipe.seed)
    start = start_folder(recipe)
    if start is not None:
        load_backbone(network, start)
    return architecture, network, config


def build_objective(settings: PretrainSettings, tokenizer: Tokenizer, config: Any) -> Objective:
    """Returns what the language model learns."""
    if settings.objective == "masked":
        return MaskedObjective(settings.mask_rate, tokenizer.mask_id, tokenizer.vocab_size, tokenizer.special_ids)
    return CausalObjective(directions=2 if getattr(config, "bidirectional", False) else 1)


def put_vectors(network: nn.Module, vectors: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    """Starts the embeddings from word vectors; entries without one (zeros) keep their random start."""
    embeddings = input_embeddings(network).weight
    known = torch.from_numpy(np.any(vectors != 0, axis=1))
    with torch.no_grad():
        embeddings.copy_(torch.where(known[:, None], torch.from_numpy(vectors), embeddings))


def _validation(context: StageContext, settings: PretrainSettings) -> WindowBatches | None:
    shard = open_shard(context.inputs["shards"] / "held_out")
    batch_tokens = min(settings.batch_tokens, len(shard.tokens))
    if len(shard.tokens) < settings.window_tokens:
        return None
    return WindowBatches(shard, settings.window_tokens, batch_tokens, context.recipe.seed, shuffled=False)


PRETRAIN = Stage(
    "pretrain",
    inputs=("tokenizer", "shards", "vectors"),
    settings=lambda recipe: [
        model_settings(recipe),
        recipe.pretrain and recipe.pretrain.model_dump(mode="json", exclude={"checkpoint_every_s"}),
    ],
    run=_run,
    files=start_files,
    is_wanted=lambda recipe: recipe.pretrain is not None,
    is_resumable=True,
)
