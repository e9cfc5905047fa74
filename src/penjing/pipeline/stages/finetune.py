"""Fine-tuning: a classifier over the labelled rows, on what pretraining, a given model or word vectors left."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

import penjing
from penjing.files import read_json, write_json
from penjing.models.interface import Architecture, count_parameters
from penjing.models.weights import load_backbone
from penjing.pipeline.model_folder import write_network
from penjing.pipeline.recipe import Recipe, has_data, task_of
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.stages.examples import LABELS
from penjing.pipeline.stages.pretrain import put_vectors
from penjing.pipeline.start import (
    architecture_of,
    choose_learning_rate,
    config_values,
    model_settings,
    start_files,
    start_folder,
)
from penjing.tasks.card import CARD
from penjing.text.renderer import Renderer
from penjing.text.shards import open_shard
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.text.vectors import load_vectors
from penjing.train.batches import RowBatches
from penjing.train.job import TrainingJob
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.trainer import Trainer, remove_training_files


def _run(context: StageContext) -> dict[str, Any]:
    labels: list[str] = read_json(context.inputs["examples"] / LABELS)
    architecture, config, job = prepare_finetuning(context.recipe, context.inputs)
    _start(job.network, context)
    result = Trainer(job, context.folder, context.progress).run()
    _write_model(context, job.network, architecture, config, labels)
    remove_training_files(context.folder)
    return {**asdict(result), "parameters": count_parameters(job.network), "family": architecture.name}


def prepare_finetuning(recipe: Recipe, inputs: dict[str, Path]) -> tuple[Architecture, Any, TrainingJob]:
    """Returns the architecture, the config, and the job with a freshly initialised classifier."""
    settings, examples = recipe.finetune, inputs["examples"]
    tokenizer = load_tokenizer(inputs["tokenizer"])
    architecture = architecture_of(recipe)
    values = config_values(recipe, tokenizer.vocab_size, tokenizer.pad_id, tokenizer.end_id)
    config = architecture.config_from_dict(values)
    network = architecture.classifier(config, len(read_json(examples / LABELS)))
    architecture.initialize(network, config, recipe.seed)
    objective = ClassificationObjective(
        settings.label_smoothing, settings.token_dropout, tokenizer.mask_id, tokenizer.special_ids
    )
    batches = _batches(recipe, examples / "train", tokenizer, is_training=True)
    validation = _batches(recipe, examples / "validation", tokenizer, is_training=False)
    rate = choose_learning_rate(recipe, settings)
    return (
        architecture,
        config,
        TrainingJob("finetune", network, objective, batches, validation, settings, rate, recipe.seed),
    )


def _start(network: nn.Module, context: StageContext) -> None:
    """Puts in what was learned before: by pretraining, else by a given model, else word vectors."""
    start = context.inputs["pretrain"] / "model" if "pretrain" in context.inputs else start_folder(context.recipe)
    if start is not None:
        load_backbone(network, start)
    elif "vectors" in context.inputs:
        put_vectors(network, load_vectors(context.inputs["vectors"]))


def _batches(recipe: Recipe, folder: Path, tokenizer: Tokenizer, *, is_training: bool) -> RowBatches:
    settings = recipe.finetune
    return RowBatches(
        open_shard(folder),
        tokenizer.pad_id,
        settings.batch_tokens,
        settings.batch_rows if is_training else 8 * settings.batch_rows,
        recipe.seed,
        shuffled=is_training,
    )


def _write_model(
    context: StageContext, network: nn.Module, architecture: Architecture, config: Any, labels: list[str]
) -> None:
    """Writes the model folder in the layout of the hub, with our card."""
    recipe, folder = context.recipe, context.folder / "model"
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    write_network(folder, network, architecture, config, tokenizer, head="classifier", labels=labels)
    card = {
        "penjing": penjing.__version__,
        "task": task_of(recipe),
        "labels": labels,
        "render": recipe.render.model_dump(mode="json"),
        "fingerprint": Renderer(tokenizer, recipe.render).fingerprint,
    }
    write_json(folder / CARD, card)


FINETUNE = Stage(
    "finetune",
    inputs=("tokenizer", "examples", "vectors", "pretrain"),
    settings=lambda recipe: [
        model_settings(recipe),
        recipe.task,
        recipe.finetune.model_dump(mode="json", exclude={"checkpoint_every_s"}),
        choose_learning_rate(recipe, recipe.finetune),
    ],
    run=_run,
    files=start_files,
    is_resumable=True,
    is_wanted=has_data,
)
