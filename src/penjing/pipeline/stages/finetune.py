"""Fine-tuning on rows: on what pretraining, a given model or word vectors left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from torch import nn

import penjing
from penjing.files import write_json
from penjing.models.adapter import add_adapter
from penjing.models.interface import Architecture, count_parameters
from penjing.models.lora import merge
from penjing.models.weights import load_backbone
from penjing.pipeline.adapting import (
    ADAPTER,
    MergeProof,
    adapt_network,
    describe_adapters,
    trained_whole,
    write_adapter,
)
from penjing.pipeline.batch_teaching import batch_teacher_files
from penjing.pipeline.beginning import begins_by_finetuning
from penjing.pipeline.fitted_head import fit_network, fitting, prepare_network, read_once, trains_network
from penjing.pipeline.kinds import Kind, kind_of
from penjing.pipeline.model_folder import write_network
from penjing.pipeline.ngrams import has_share, put_ngrams
from penjing.pipeline.recipe import Recipe, has_data, task_of
from penjing.pipeline.recipe_kinds import distilling
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.stages.pretrain import put_vectors
from penjing.pipeline.start import (
    architecture_of,
    choose_learning_rate,
    config_values,
    load_start,
    model_settings,
    start_files,
)
from penjing.pipeline.teaching import describe_distillation
from penjing.tasks.card import CARD
from penjing.text.tokenizer import load_tokenizer
from penjing.text.vectors import load_vectors
from penjing.train.frequencies import Beginner, count_written, share_found
from penjing.train.job import TrainingJob
from penjing.train.settings import LoraSettings
from penjing.train.state import TrainingResult
from penjing.train.trainer import TRAINING_FILES, Trainer


def _run(context: StageContext) -> dict[str, Any]:
    kind = kind_of(context.recipe)
    architecture, config, job = prepare_finetuning(context.recipe, context.inputs)
    fresh = _start(job.network, context)
    adapt_network(context.recipe, architecture, job.network, fresh)
    prepare_network(context.recipe, job.network, fresh)
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    result = _train(context, job)
    model, added = context.folder / "model", _fit_head(context, job, tokenizer.pad_id)

    def write() -> None:
        outputs = kind.outputs(context.inputs)
        write_network(model, job.network, architecture, config, tokenizer, head=kind.head, outputs=outputs)

    if context.recipe.finetune.adapters is None:
        write()
    else:
        added["lora"] = _merge(context, job, architecture, config, write)
    if distilling(context.recipe) is not None:
        added["distill"] = describe_distillation(context.recipe, context.inputs)
    ngrams = put_ngrams(context.recipe, job.network, context.inputs, model, context.progress)
    kind.finish_folder(context.recipe, context.inputs, model)
    _write_card(context, kind, job.network, {**added, **(ngrams if has_share(ngrams) else {})})
    facts = {**asdict(result), "counted": kind.counted, "parameters": count_parameters(job.network)}
    return {**facts, "family": architecture.name, **added, **ngrams}


def _train(context: StageContext, job: TrainingJob) -> TrainingResult:
    if trains_network(context.recipe):
        return Trainer(job, context.folder, context.progress).run()
    return read_once(context.recipe, job.network, context.inputs["examples"])


def _fit_head(context: StageContext, job: TrainingJob, pad_id: int) -> dict[str, Any]:
    """Fits the head where the recipe asks for it, and returns what is to be said of that."""
    if fitting(context.recipe) is None:
        return {}
    return {"head": fit_network(context.recipe, job.network, context.inputs["examples"], pad_id)}


def _merge(
    context: StageContext, job: TrainingJob, architecture: Architecture, config: Any, write: Callable[[], None]
) -> dict[str, Any]:
    """Writes the adapters, merges them, lets the model be written, and proves that its answers are the same."""
    described = describe_adapters(context.recipe, job.network)
    kind = kind_of(context.recipe)
    write_adapter(context.recipe, architecture, config, job.network, context.folder / ADAPTER, kind.head)
    proof, whole = MergeProof(job, kind.score), trained_whole(job.network)
    merge(job.network)
    write()
    merging = proof.check(context.folder / "model")
    if "base" not in described:
        return {**described, "merging": merging}

    def load_original() -> None:
        _start(job.network, context)
        add_adapter(job.network, context.folder / ADAPTER)

    return {**described, "merging": merging, "quantizing": proof.compare_base(job, load_original, whole)}


def prepare_finetuning(recipe: Recipe, inputs: dict[str, Path]) -> tuple[Architecture, Any, TrainingJob]:
    """Returns the architecture, the config, and the job with a freshly initialised network."""
    kind, settings = kind_of(recipe), recipe.finetune.training
    tokenizer = load_tokenizer(inputs["tokenizer"])
    architecture = architecture_of(recipe)
    values = config_values(recipe, tokenizer.vocab_size, tokenizer.pad_id, tokenizer.end_id)
    config = architecture.config_from_dict({**values, **kind.shape(recipe, inputs)})
    network = kind.make_network(architecture, config, inputs)
    architecture.initialize(network, config, recipe.finetuning_seed)
    lesson, rate = kind.make_lesson(recipe, inputs, tokenizer, network), choose_learning_rate(recipe, settings)
    if begins_by_finetuning(recipe):
        shares = count_written(lesson.batches, config.vocab_size)
        found = share_found(lesson.batches, config.vocab_size) if architecture.is_encoder_decoder else 0.0
        cast("Beginner", network).begin(shares, found)
    learned = lesson.objective, lesson.batches, lesson.validation
    return architecture, config, TrainingJob("finetune", network, *learned, settings, rate, recipe.finetuning_seed)


def _start(network: nn.Module, context: StageContext) -> tuple[str, ...]:
    """Puts in what was learned before: by practice, else by pretraining, else by a given model, else word vectors.

    Returns:
        The names of the tensors that hold nothing learned.
    """
    if "practice" in context.inputs:
        return load_backbone(network, context.inputs["practice"] / "model").fresh
    if "pretrain" in context.inputs:
        return load_backbone(network, context.inputs["pretrain"] / "model").fresh
    transfer = load_start(network, context.recipe)
    if transfer is not None:
        return transfer.fresh
    if "vectors" in context.inputs:
        put_vectors(network, load_vectors(context.inputs["vectors"]))
    return tuple(name for name, _ in network.named_parameters())


def _write_card(context: StageContext, kind: Kind, network: nn.Module, added: dict[str, Any]) -> None:
    """Writes our card beside the weights, with what is said of adapters or of a fitted head."""
    card = {
        "penjing": penjing.__version__,
        "task": task_of(context.recipe),
        **kind.card(context.recipe, context.inputs, network),
        **added,
    }
    write_json(context.folder / "model" / CARD, card)


#: Of ``[finetune.distill]``: what was made of these counts, by its content.
_MADE = ("teacher", "generations", "recipes", "recombined", "unlabelled")
_OWN = ("lora", "head", "contrastive", "distill", "ngrams", "seed")
#: What changes nothing that is learned, and what the examples show: their content counts.
_ELSEWHERE = ("checkpoint_every_s", "both_sides")


def _parts(recipe: Recipe) -> list[Any]:
    """Returns the sections of their own that a recipe has, so that recipes without them keep their runs."""
    sections = {"head", "contrastive", "distill", "ngrams"}
    own = recipe.finetune.model_dump(mode="json", include=sections, exclude_none=True)
    if recipe.finetuning_seed != recipe.seed:
        own["seed"] = recipe.finetuning_seed
    for where in _MADE:
        own.get("distill", {}).pop(where, None)
    adapters = [_adapters(lora)] if (lora := recipe.finetune.adapters) else []
    mixing = [recipe.mixing] if recipe.mixing is not None else []
    return [*adapters, *([own] if own else []), *mixing]


def _adapters(lora: LoraSettings) -> dict[str, Any]:
    """Returns the settings of adapters; without a quantized base as they were before there was one."""
    return lora.model_dump(mode="json", exclude={"base"} if lora.base is None else None)


FINETUNE = Stage(
    "finetune",
    inputs=(
        "tokenizer",
        "examples",
        "vectors",
        "pretrain",
        "reference",
        "unlabelled",
        "recombined",
        "teach",
        "practice",
    ),
    settings=lambda recipe: [
        model_settings(recipe),
        recipe.task,
        recipe.finetune.model_dump(mode="json", exclude={*_ELSEWHERE, *_OWN}),
        choose_learning_rate(recipe, recipe.finetune),
        *_parts(recipe),
        *([beginning] if (beginning := begins_by_finetuning(recipe)) else []),
    ],
    run=_run,
    files=lambda recipe: [*start_files(recipe), *batch_teacher_files(recipe)],
    is_resumable=True,
    scratch=TRAINING_FILES,
    is_wanted=has_data,
)
#: Trains a model that teaches the recipe's own. It answers out of its folder, which has how to answer in it.
TEACHER = replace(
    FINETUNE,
    name="teacher",
    settings=lambda recipe: [*FINETUNE.settings(recipe), *([recipe.answering] if recipe.answering else [])],
)
#: Trains the network in a course of practice, on rows that are made of texts.
PRACTICE = replace(FINETUNE, name="practice")
