"""Puts the finished model, with its lineage and scores, at the top of a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import penjing
from penjing.data.label_settings import NamedLabels
from penjing.files import folder_beside, read_json, write_json
from penjing.hashing import hash_file, hash_folder
from penjing.inference.generation import GENERATION_CONFIG
from penjing.models.adapter import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from penjing.models.interface import open_config
from penjing.models.stored import hash_weights
from penjing.models.weights import CONFIG, read_config
from penjing.pipeline.adapting import ADAPTER
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import trained_teachers
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.pipeline.stage import Artifact
from penjing.tasks.card import CARD
from penjing.text.tokenizer import load_tokenizer


def publish_fine_tuned(
    recipe: Recipe, source: Path, model: Path, lineage: list[dict[str, Any]], evaluation: dict[str, Any]
) -> dict[str, Any]:
    """Publishes what fine-tuning left; returns its card.

    How it answers and how raw labels are named is what the recipe says now, and what evaluation has settled.
    """
    trained = read_json(source / CARD)
    if "distill" in trained:
        trained["distill"] = {**trained["distill"], **trained_teachers(recipe)}
    card = {
        **trained,
        **recipe.answering,
        **evaluation.get("settled", {}),
        "scores": evaluation["scores"],
        "baselines": {name: scores["scores"] for name, scores in evaluation["baselines"].items()},
    }
    return _publish(source, model, _with_raw_labels(recipe, card), lineage, recipe.generation)


def _with_raw_labels(recipe: Recipe, card: dict[str, Any]) -> dict[str, Any]:
    """Returns a card that says how ``[data]``, of each part too, names raw labels; nothing where it does not."""
    if not isinstance(recipe, MultiRecipe):
        return {**card, **_raw_labels(recipe.data)}
    return {
        **card,
        "parts": {name: {**part, **_raw_labels(recipe.parts[name].data)} for name, part in card["parts"].items()},
    }


def _raw_labels(data: object) -> dict[str, Any]:
    labels = data.labels if isinstance(data, NamedLabels) else None
    return {"raw_labels": labels} if isinstance(labels, dict) else {}


def publish_adapter(source: Path, target: Path) -> Path | None:
    """Puts the adapter of a model beside it; where it has none, that of a run before is removed, and None returned."""
    if not source.is_dir():
        if (target / ADAPTER_CONFIG).is_file():
            shutil.rmtree(target)
        return None
    if not target.is_dir() or hash_folder(source) != hash_folder(target):
        with folder_beside(target) as beside:
            shutil.copytree(source, beside, dirs_exist_ok=True)
    return target


def publish_language_model(
    recipe: Recipe, source: Path, model: Path, lineage: list[dict[str, Any]], measures: dict[str, Any]
) -> dict[str, Any]:
    """Publishes what pretraining left; returns its card."""
    assert recipe.pretrain is not None
    card = {
        "penjing": penjing.__version__,
        "objective": recipe.pretrain.objective,
        "window_tokens": recipe.pretrain.window_tokens,
        "render": recipe.render.model_dump(mode="json"),
        "fingerprint": load_tokenizer(source).fingerprint,
        "scores": measures["scores"],
        "baselines": {name: scores["scores"] for name, scores in measures["baselines"].items()},
    }
    return _publish(source, model, card, lineage, recipe.generation)


def list_lineage(artifacts: dict[str, Artifact]) -> list[dict[str, Any]]:
    """Returns what went into each stage and what came out."""
    kept = ("stage", "key", "content", "version", "settings", "files", "inputs", "penjing", "finished")
    return [{key: artifact.record[key] for key in kept} for artifact in artifacts.values()]


def _publish(
    source: Path,
    model: Path,
    card: dict[str, Any],
    lineage: list[dict[str, Any]],
    generation: dict[str, Any],
) -> dict[str, Any]:
    """Copies a model with its card, unless it is there already; other tools are told how it writes."""
    card = {**card, "weights": hash_weights(source), "lineage": lineage}
    if (adapter := source.parent / ADAPTER / ADAPTER_WEIGHTS).is_file():
        card["adapter_weights"] = hash_file(adapter)
    if (model / CARD).is_file() and read_json(model / CARD) == card:
        return card
    with folder_beside(model) as beside:
        for file in source.iterdir():
            if file.is_dir():
                shutil.copytree(file, beside / file.name, dirs_exist_ok=True)
            elif file.name != CARD:
                shutil.copy2(file, beside / file.name)
        if generation:
            config = read_json(beside / GENERATION_CONFIG)
            write_json(beside / GENERATION_CONFIG, {**config, **_as_transformers_means(generation, source)})
        write_json(beside / CARD, card)
    return card


def _as_transformers_means(generation: dict[str, Any], model: Path) -> dict[str, Any]:
    """Returns how a model writes, without what Transformers takes in another sense.

    For it, a decoder may not repeat its prompt either: it could copy nothing of a text that it sums up.
    """
    architecture, _ = open_config(read_config(model), model / CONFIG)
    if architecture.is_encoder_decoder:
        return generation
    return {name: value for name, value in generation.items() if name != "no_repeat_ngram_size"}
