"""Pretraining: a language model over the corpus."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from penjing.errors import UsageError
from penjing.models.device import choose_device
from penjing.models.interface import Architecture, count_parameters
from penjing.pipeline.beginning import begins_by_pretraining
from penjing.pipeline.continuing import adopt_checkpoint, differs_in_length
from penjing.pipeline.model_folder import write_network
from penjing.pipeline.prompt_samples import Sampler, build_sampler, check_prompts
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.stages.shards import PARTS
from penjing.pipeline.start import (
    architecture_of,
    choose_learning_rate,
    config_values,
    load_start,
    model_settings,
    start_files,
)
from penjing.text.shards import TokenShard, open_shard
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.text.vectors import load_vectors
from penjing.train.batches import WindowBatches
from penjing.train.ceiling import COUNTED_TOKENS, count_flops_per_token, measure_matrix_rate
from penjing.train.frequencies import Beginner, GuessingObjective, count_shares
from penjing.train.job import TrainingJob
from penjing.train.objectives.causal import CausalObjective
from penjing.train.objectives.denoising import DenoisingObjective
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.objectives.span import SpanObjective
from penjing.train.optimizer import input_embeddings
from penjing.train.settings import PretrainSettings
from penjing.train.state import TrainingResult
from penjing.train.trainer import TRAINING_FILES, Trainer


def _run(context: StageContext) -> dict[str, Any]:
    recipe, settings = context.recipe, context.recipe.pretrain
    assert settings is not None
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    architecture, config, job = prepare_pretraining(recipe, context.inputs)
    if "vectors" in context.inputs:
        put_vectors(job.network, load_vectors(context.inputs["vectors"]))
    adopted = adopt_checkpoint(context.folder, settings)
    if adopted is not None:
        context.progress.say(f"pretrain: taking over from {adopted['run']}")
    elif other := differs_in_length(context.folder):
        context.progress.say(
            f"pretrain: {other} differs in its length alone, but has no checkpoint up to which both would have done "
            "the same (docs/pretraining.md), so this run begins anew"
        )
    if job.validation is None:
        context.progress.say(
            f"pretrain: the held-out texts do not fill one window of {settings.window_tokens} tokens, so there is no "
            "validation, and the last weights are kept"
        )
    counted = count_windows(job, context.inputs["shards"])
    if counted["batch_tokens"] + settings.window_tokens <= settings.batch_tokens:
        context.progress.say(
            f"pretrain: the corpus has fewer tokens than a batch of {settings.batch_tokens:,}, so that every step "
            "reads all of it; give more text, or lower pretrain.batch_tokens"
        )
    if job.sample is None and recipe.report.examples and not has_data(recipe):
        context.progress.say(
            f"pretrain: nothing is written to [report] examples, for a model that learns {settings.objective} tokens "
            "does not write texts"
        )
    result = Trainer(job, context.folder, context.progress).run()
    write_network(context.folder / "model", job.network, architecture, config, tokenizer, head="language")
    cost = _cost(result, job, architecture, config)
    return {
        **asdict(result),
        "adopted": adopted,
        **cost,
        "family": architecture.name,
        **counted,
        "parameters": count_parameters(job.network),
        "objective": settings.objective,
        "prompts": job.sample.prompts if isinstance(job.sample, Sampler) else [],
    }


def count_windows(job: TrainingJob, shards: Path) -> dict[str, int]:
    """Returns how many tokens are not read, or twice.

    ``left_out_tokens`` at the end of the corpus fill no window, ``held_out_left_out_tokens`` at that of the held-out
    texts; ``twice_tokens`` are read a second time in each epoch, to fill its last batch. A batch has ``batch_tokens``.
    """
    batches, settings = job.batches, job.settings
    assert isinstance(batches, WindowBatches)
    assert isinstance(settings, PretrainSettings)
    texts, held_out = (len(open_shard(shards / part).tokens) for part in PARTS)
    return {
        "left_out_tokens": texts % settings.window_tokens,
        "held_out_left_out_tokens": held_out % settings.window_tokens,
        "twice_tokens": batches.repeated * settings.window_tokens,
        "batch_tokens": batches.batch_tokens,
    }


def _cost(result: TrainingResult, job: TrainingJob, architecture: Architecture, config: Any) -> dict[str, float]:
    """Returns operations, tokens per second, and the share of the machine's matrix products that the run reached."""
    device = choose_device(job.settings.device)
    assert isinstance(job.settings, PretrainSettings)
    window = job.settings.window_tokens
    # The formula takes a decoder to read as many tokens as the encoder, and one that fills gaps reads fewer.
    most = window if architecture.is_encoder_decoder else min(window, COUNTED_TOKENS)
    longer, counted = (architecture.training_flops_per_token(config, tokens) for tokens in (window, most))
    operations = result.tokens * (count_flops_per_token(job, device, most) + longer - counted)
    precision = torch.bfloat16 if result.precision == "bf16" else torch.float32
    ceiling = measure_matrix_rate(device, precision)
    return {
        "flops": operations,
        "tokens_per_second": result.tokens / result.seconds,
        "matrix_rate": ceiling,
        "utilization": operations / result.seconds / ceiling,
    }


def prepare_pretraining(recipe: Recipe, inputs: dict[str, Path]) -> tuple[Architecture, Any, TrainingJob]:
    """Returns the architecture, the config, and the job with a fresh language model (or the one to start from)."""
    settings = recipe.pretrain
    assert settings is not None
    tokenizer = load_tokenizer(inputs["tokenizer"])
    architecture, config, network = _build_language_model(recipe, tokenizer)
    shards = {part: open_shard(inputs["shards"] / part) for part in PARTS}
    is_closed = settings.borders == "closed" or (settings.borders == "auto" and architecture.closes_borders == "always")
    batches = WindowBatches(
        shards["texts"], settings.window_tokens, settings.batch_tokens, recipe.seed, tells_documents=is_closed
    )
    validation = _validation(shards["held_out"], settings, recipe.seed, tells_documents=is_closed)
    objective = build_objective(settings, tokenizer, config)
    if begins_by_pretraining(recipe):
        shares = count_shares(shards["texts"], config.vocab_size, objective, settings.window_tokens)
        cast("Beginner", network).begin(shares, 1.0)  # what is hidden or damaged is found where it stood
    rate = choose_learning_rate(recipe, settings)
    sample = build_sampler(recipe, settings, objective, tokenizer)
    if sample is not None:
        check_prompts(recipe.report.examples, tokenizer, getattr(config, "max_position_embeddings", None))
    return (
        architecture,
        config,
        TrainingJob("pretrain", network, objective, batches, validation, settings, rate, recipe.seed, sample),
    )


def _build_language_model(recipe: Recipe, tokenizer: Tokenizer) -> tuple[Architecture, Any, nn.Module]:
    architecture = architecture_of(recipe)
    values = config_values(recipe, tokenizer.vocab_size, tokenizer.pad_id, tokenizer.end_id)
    config = architecture.config_from_dict(values)
    network = architecture.language_model(config)
    architecture.initialize(network, config, recipe.seed)
    load_start(network, recipe)
    return architecture, config, network


def build_objective(settings: PretrainSettings, tokenizer: Tokenizer, config: Any) -> GuessingObjective:
    """Returns what the language model learns."""
    if settings.objective == "masked":
        last = settings.mask_rate if settings.mask_rate_end is None else settings.mask_rate_end
        return MaskedObjective(settings.mask_rate, last, tokenizer.mask_id, tokenizer.vocab_size, tokenizer.special_ids)
    if settings.objective == "span":
        sentinels = tokenizer.sentinel_ids
        if not sentinels:
            raise UsageError(
                "the tokenizer has no tokens for hidden spans, which the objective span needs",
                do="Start from a model whose tokenizer has <extra_id_0>, or set pretrain.objective = denoise.",
            )
        return SpanObjective(settings.mask_rate, settings.span_tokens, sentinels, tokenizer.end_id, config.start_id)
    if settings.objective == "denoise":
        return DenoisingObjective(settings.mask_rate, tokenizer.mask_id, config.start_id)
    start = -1 if tokenizer.start_id == tokenizer.end_id else tokenizer.start_id
    return CausalObjective(2 if getattr(config, "bidirectional", False) else 1, start)


def put_vectors(network: nn.Module, vectors: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    """Starts the embeddings from word vectors; entries without one (zeros) keep their random start.

    The dimensions that a fresh bert leaves to its positions stay so.
    """
    embeddings = input_embeddings(network).weight
    known = torch.from_numpy(np.any(vectors != 0, axis=1))
    embeddings = embeddings[: len(known)]  # a model that is given may have rows to spare
    with torch.no_grad():
        is_used = (embeddings != embeddings[:1]).any(dim=0)  # [dim]
        embeddings.copy_(torch.where(known[:, None] & is_used, torch.from_numpy(vectors), embeddings))


def _validation(
    shard: TokenShard, settings: PretrainSettings, seed: int, *, tells_documents: bool
) -> WindowBatches | None:
    if len(shard.tokens) < settings.window_tokens:
        return None
    window, batch = settings.window_tokens, settings.batch_tokens
    return WindowBatches(shard, window, batch, seed, shuffled=False, tells_documents=tells_documents)


PRETRAIN = Stage(
    "pretrain",
    inputs=("tokenizer", "shards", "vectors"),
    settings=lambda recipe: [
        model_settings(recipe),
        recipe.pretrain and recipe.pretrain.model_dump(mode="json", exclude={"checkpoint_every_s"}),
        recipe.pretrain and choose_learning_rate(recipe, recipe.pretrain),
        *([beginning] if (beginning := begins_by_pretraining(recipe)) else []),
    ],
    run=_run,
    files=start_files,
    is_wanted=lambda recipe: recipe.pretrain is not None,
    is_resumable=True,
    scratch=TRAINING_FILES,
)
