"""What the long stages would take, each reckoned from a short piece of the real work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from penjing.data.reading import iter_texts, read_split
from penjing.evaluate.language import evaluate_language_baselines, evaluate_language_model
from penjing.explain.explaining import compare_methods, explain_text, fitting_methods
from penjing.inference.engine import Engine
from penjing.inference.language_model import MeasurableModel
from penjing.inference.learned import Learned
from penjing.inference.scorers import build_scorer
from penjing.machine import peak_memory_mb, restart_peak_memory
from penjing.models.interface import count_parameters
from penjing.pipeline.adapting import adapt_network, describe_adapters
from penjing.pipeline.fitted_head import describe_contrast, fitting, prepare_network, time_head, trains_network
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.kinds.labels import label_task
from penjing.pipeline.kinds.shards import filled_splits
from penjing.pipeline.kinds.taught import time_own_teachers
from penjing.pipeline.ngrams import beside_network, time_ngrams
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import batch_teaching, own_generations
from penjing.pipeline.stages.finetune import prepare_finetuning
from penjing.pipeline.stages.measure import SQUARED_TOKENS, affordable_texts
from penjing.pipeline.stages.pretrain import count_windows, prepare_pretraining
from penjing.pipeline.stages.reference import load_reference, measure_split
from penjing.pipeline.stages.vectors import vector_size
from penjing.pipeline.start import load_start
from penjing.pipeline.teaching import describe_folders
from penjing.progress import Silent
from penjing.tasks.heads import HEADS
from penjing.tasks.label_model import LabelModel
from penjing.text.renderer import Renderer
from penjing.text.shards import TokenShard, open_shard
from penjing.text.spans import find_words
from penjing.text.tokenizer import load_tokenizer
from penjing.text.vectors import train_vectors
from penjing.train.probe import probe_training

_VECTOR_TOKENS = 1_000_000
_EXPLAINED_ROWS = 5
_MEASURED_TEXTS = 8
_MEASURED_PART = 40  # of what a model that reads both sides reads
_MEASURED_PAIRS = 64
_FEW_RESAMPLES = 100


@dataclass(frozen=True)
class StageProbe:
    """What a stage would take.

    Attributes:
        seconds: of work.
        peak_memory_mb: largest resident memory of the process.
        facts: what the stage would report, as far as it is known.
    """

    seconds: float
    peak_memory_mb: int
    facts: dict[str, Any]


def probe_vectors(recipe: Recipe, inputs: dict[str, Path], scale: float) -> StageProbe:
    """Trains vectors on about a million tokens.

    Args:
        recipe: with ``[vectors]``.
        inputs: the artifacts it reads, of a sample of the corpus perhaps.
        scale: how many times larger the whole corpus is.
    """
    vectors = recipe.vectors
    assert vectors is not None
    size, vocabulary = vector_size(recipe), load_tokenizer(inputs["tokenizer"]).vocab_size
    shard = open_shard(inputs["shards"] / "texts")
    rows = max(1, int(np.searchsorted(shard.offsets, _VECTOR_TOKENS, side="right")) - 1)
    restart_peak_memory()

    def train(part: TokenShard, epochs: int) -> None:
        settings = vectors.model_copy(update={"epochs": epochs})
        train_vectors(part, vocabulary, size, settings, recipe.seed, Silent())

    part = _first_rows(shard, rows)
    train(_first_rows(shard, 1), 1)  # imports what it needs
    # Counting the words and making the vectors is done once; what one more epoch takes comes again with each.
    once, twice = _time(lambda: train(part, 1)), _time(lambda: train(part, 2))
    epoch = max(0.0, twice - once)
    whole = scale * len(shard.tokens) / len(part.tokens)
    seconds = (once - epoch) + vectors.epochs * epoch * whole
    return StageProbe(seconds, peak_memory_mb(), {"size": size})


def _first_rows(shard: TokenShard, rows: int) -> TokenShard:
    offsets = shard.offsets[: rows + 1]
    return replace(shard, offsets=offsets, tokens=shard.tokens[: offsets[-1]])


def probe_pretraining(recipe: Recipe, inputs: dict[str, Path], scale: float) -> StageProbe:
    """Makes some steps of pretraining."""
    architecture, _, job = prepare_pretraining(recipe, inputs)
    whole = job.settings.model_copy(update={"epochs": job.settings.epochs * scale})
    probe = probe_training(replace(job, settings=whole))
    facts = {
        "steps": probe.steps,
        "tokens": probe.tokens,
        "parameters": count_parameters(job.network),
        "family": architecture.name,
        "device_memory_mb": probe.device_memory_mb,
        **count_windows(job, inputs["shards"]),
    }
    return StageProbe(probe.seconds, probe.peak_memory_mb, facts)


def probe_finetuning(recipe: Recipe, inputs: dict[str, Path], scale: float) -> StageProbe:
    """Makes some steps of fine-tuning, from a fresh network, and computes the vectors of some rows for the head."""
    restart_peak_memory()  # a base that is quantized is whole at first
    architecture, _, job = prepare_finetuning(recipe, inputs)
    whole = count_parameters(job.network)
    changes_little = recipe.finetune.adapters is not None or fitting(recipe) is not None
    transfer = load_start(job.network, recipe) if changes_little else None
    adapt_network(recipe, architecture, job.network, None if transfer is None else transfer.fresh)
    prepare_network(recipe, job.network, () if transfer is None else transfer.fresh)
    at_first = peak_memory_mb()
    restart_peak_memory()
    head = probe_head(recipe, job.network, inputs)
    if not trains_network(recipe):
        read = {"steps": 0, "tokens": len(open_shard(inputs["examples"] / "train").tokens), "parameters": whole}
        facts = {**read, "family": architecture.name, "device_memory_mb": None, **head.facts}
        return StageProbe(head.seconds, peak_memory_mb(), facts)
    taught = {"distill": {"teachers": describe_folders(recipe)}} if batch_teaching(recipe) is not None else {}
    lora = {"lora": describe_adapters(recipe, job.network)} if recipe.finetune.adapters is not None else {}
    probe = probe_training(job)
    facts = {
        "steps": probe.steps,
        "tokens": probe.tokens,
        "counted": kind_of(recipe).counted,
        "parameters": whole,
        "family": architecture.name,
        "device_memory_mb": probe.device_memory_mb,
        **taught,
        **lora,
        **head.facts,
        **({"ngrams": {"length": length}} if (length := beside_network(recipe)) else {}),
    }
    seconds = probe.seconds + head.seconds + time_ngrams(recipe, inputs)
    return StageProbe(seconds, max(at_first, probe.peak_memory_mb), facts)


def probe_reference(recipe: Recipe, inputs: dict[str, Path], scale: float) -> StageProbe:
    """Measures some pairs with the model that the recipe starts from."""
    network = load_reference(recipe, inputs)
    restart_peak_memory()
    read = partial(measure_split, network, recipe, inputs, "train", Silent())
    read(rows=1)  # warms up
    began = time.perf_counter()
    answers, tokens = read(rows=_MEASURED_PAIRS)
    seconds = time.perf_counter() - began
    rows = sum(open_shard(inputs["examples"] / split).rows for split in filled_splits(inputs["data"]))
    share = len(answers) / rows
    return StageProbe(seconds / share, peak_memory_mb(), {"rows": rows // 2, "tokens": round(tokens / share)})


def probe_head(recipe: Recipe, network: nn.Module, inputs: dict[str, Path]) -> StageProbe:
    """Computes the vectors of some rows; nothing where the head is trained with the network."""
    if fitting(recipe) is None:
        return StageProbe(0.0, 0, {})
    examples, pad_id = inputs["examples"], load_tokenizer(inputs["tokenizer"]).pad_id
    seconds, rows = time_head(recipe, network, examples, pad_id)
    return StageProbe(seconds, peak_memory_mb(), {"head": {"rows": rows, **describe_contrast(recipe)}})


def probe_teaching(recipe: Recipe, inputs: dict[str, Path], scale: float) -> StageProbe:
    """Shows some rows to the teachers; to a fresh network where the run will train them itself."""
    if generations := own_generations(recipe):
        return probe_own_teaching(recipe, inputs, generations[-1])
    restart_peak_memory()
    seconds, facts = kind_of(recipe).probe_teaching(recipe, inputs)
    return StageProbe(seconds, peak_memory_mb(), facts)


def probe_own_teaching(recipe: Recipe, inputs: dict[str, Path], models: int) -> StageProbe:
    """Shows some rows to a fresh network, as to so many teachers."""
    _, _, job = prepare_finetuning(recipe, inputs)
    restart_peak_memory()
    seconds, facts = time_own_teachers(recipe, inputs, job.network, models)
    return StageProbe(seconds, peak_memory_mb(), facts)


def probe_evaluation(recipe: Recipe, inputs: dict[str, Path], scale: float) -> StageProbe:
    """Scores some rows with a fresh network, fits the baselines on some, and resamples once."""
    _, _, job = prepare_finetuning(recipe, inputs)
    restart_peak_memory()
    seconds, rows = kind_of(recipe).probe_evaluation(recipe, inputs, job.network)
    return StageProbe(seconds, peak_memory_mb(), {"rows": rows})


def probe_measuring(recipe: Recipe, inputs: dict[str, Path], scale: float) -> StageProbe:
    """Measures a fresh language model on a few texts, and fits the baselines."""
    architecture, config, job = prepare_pretraining(recipe, inputs)
    assert recipe.pretrain is not None
    tokenizer = load_tokenizer(inputs["tokenizer"])
    learned = Learned(recipe.pretrain.objective, recipe.pretrain.window_tokens)
    scorer = build_scorer(architecture, job.network.eval(), config, tokenizer, learned)
    model = MeasurableModel(architecture.name, tokenizer, scorer)
    every = [text for batch in iter_texts(inputs["corpus"] / "test.parquet") for text in batch]
    texts = affordable_texts(model, every, SQUARED_TOKENS)
    some = affordable_texts(model, every[:_MEASURED_TEXTS], SQUARED_TOKENS // _MEASURED_PART)
    restart_peak_memory()
    began = time.perf_counter()
    measured = evaluate_language_model(model, some, resamples=_FEW_RESAMPLES, seed=0, progress=Silent())
    seconds = (time.perf_counter() - began) * _readings(model, texts) / _readings(model, some)
    training = iter_texts(inputs["corpus"] / "texts.parquet")
    seconds += _time(
        lambda: evaluate_language_baselines(
            model, measured, training, some, resamples=_FEW_RESAMPLES, seed=0, progress=Silent()
        )
    )
    return StageProbe(seconds, peak_memory_mb(), {"rows": len(texts)})


def _readings(model: MeasurableModel, texts: list[str]) -> int:
    """Returns how many tokens are read to measure texts: each text once, or once for each of its tokens."""
    power = 2 if model.scorer.reads_both_sides else 1
    return sum(len(ids) ** power for ids in model.render(texts))


def probe_explanation(recipe: Recipe, inputs: dict[str, Path], scale: float) -> StageProbe:
    """Explains some rows with a fresh network by every method that fits it."""
    _, _, job = prepare_finetuning(recipe, inputs)
    labels = kind_of(recipe).labels(inputs)
    renderer = Renderer(load_tokenizer(inputs["tokenizer"]), recipe.render)
    task = label_task(recipe)
    engine = Engine(HEADS[task.answers].scoring(job.network), renderer.tokenizer.pad_id)
    model = LabelModel(inputs["examples"], {}, task, labels=tuple(labels), renderer=renderer, engine=engine)
    texts = [text for text in read_split(inputs["data"], "test").texts if find_words(text)]
    assert recipe.explain is not None
    settings, some = recipe.explain, texts[:_EXPLAINED_ROWS]
    explain_text(model, some[0], settings.method, None)  # the packages are imported
    restart_peak_memory()
    shown = settings.examples + settings.mistakes
    seconds = _time(lambda: compare_methods(model, some, [settings.method], seed=0)) * shown / len(some)
    for method in fitting_methods(model.engine.network):
        once = _time(partial(compare_methods, model, some, [method], seed=0))
        seconds += once * min(settings.texts, len(texts)) / len(some)
    return StageProbe(seconds, peak_memory_mb(), {"texts": min(settings.texts, len(texts))})


def _time(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


PROBES: dict[str, Callable[[Recipe, dict[str, Path], float], StageProbe]] = {
    "vectors": probe_vectors,
    "pretrain": probe_pretraining,
    "measure": probe_measuring,
    "reference": probe_reference,
    "teach": probe_teaching,
    "finetune": probe_finetuning,
    "evaluate": probe_evaluation,
    "explain": probe_explanation,
}
