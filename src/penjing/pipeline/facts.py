"""Gathers what a run's report says from the artifacts of its stages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from penjing.machine import describe_machine
from penjing.models.weights import read_config
from penjing.pipeline.notes import note_stage
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.report.facts import ReportFacts
from penjing.pipeline.stage import Artifact
from penjing.pipeline.stages.explain import read_explanations
from penjing.tasks.task import ClassPrediction
from penjing.train.history import HISTORY, read_history

_PACKAGES = ("penjing", "torch", "tokenizers", "numpy", "pyarrow", "scikit-learn")


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        artifacts: the stages, by name.
        evaluation: scores, baselines and mistakes on the test rows.
        predictions: the model's answers to the recipe's examples.
        command: makes the run again.
    """

    artifacts: dict[str, Artifact]
    evaluation: dict[str, Any]
    predictions: list[ClassPrediction]
    command: str


def collect_facts(recipe: Recipe, outcome: Outcome) -> ReportFacts:
    """Returns all that the report says."""
    done = outcome.artifacts
    counts = done["data"].facts
    return ReportFacts.model_validate(
        {
            "title": recipe.name,
            "task": recipe.task,
            "command": outcome.command,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": _describe_model(recipe, done["finetune"]),
            "evaluation": outcome.evaluation,
            "predictions": [
                {"text": item.text, "label": item.label, "probability": item.probability}
                for item in outcome.predictions
            ],
            "explanations": read_explanations(done["explain"].folder) if "explain" in done else None,
            "path": [_describe_stage(recipe, artifact) for artifact in done.values()],
            "data": _count_data(counts),
            "corpus": _count_corpus(done),
            "tokens": _count_tokens(done),
            "curves": {name: read_history(done[name].folder / HISTORY) for name in _trained(done)},
            "machine": describe_machine(),
            "versions": {name: version(name) for name in _PACKAGES},
            "recipe": json.dumps(recipe.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False),
            "lineage": [
                {key: artifact.record[key] for key in ("stage", "key", "content", "finished")}
                for artifact in done.values()
            ],
        }
    )


def _trained(done: dict[str, Artifact]) -> list[str]:
    return [name for name in ("pretrain", "finetune") if name in done]


def _describe_model(recipe: Recipe, finetune: Artifact) -> dict[str, Any]:
    config = read_config(finetune.folder / "model")
    shape = {key: config[key] for key in recipe.model.shape if key in config}
    return {"family": finetune.facts["family"], "parameters": finetune.facts["parameters"], "shape": shape}


def _describe_stage(recipe: Recipe, artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.stage,
        "seconds": artifact.record["seconds"],
        "peak_memory_mb": artifact.record["peak_memory_mb"],
        "skipped": artifact.skipped,
        "note": note_stage(artifact.stage, artifact.facts, recipe.report.language),
    }


def _count_data(counts: dict[str, Any]) -> dict[str, Any]:
    files = ", ".join(dict.fromkeys(name for names in counts["files"].values() for name in names))
    return {
        "read": {files: counts["read"]},
        "splits": {split: figures["labels"] for split, figures in counts["splits"].items()},
        "removed": {
            **{reason: counts[reason] for reason in ("filtered", "empty", "duplicates", "conflicts")},
            "overlaps": sum(counts["overlap"].values()),
        },
    }


def _count_corpus(done: dict[str, Artifact]) -> dict[str, int]:
    counts = {key: value for key, value in done["corpus"].facts.items() if key != "files"} if "corpus" in done else {}
    if "shards" in done:
        counts |= {key: done["shards"].facts[key] for key in ("tokens", "held_out_tokens")}
    return counts


def _count_tokens(done: dict[str, Artifact]) -> dict[str, Any]:
    tokenizer, examples = done["tokenizer"].facts, done["examples"].facts
    splits = examples["splits"].values()
    tokens = sum(split["tokens"] for split in splits)
    return {
        "vocabulary": tokenizer["vocabulary"],
        "kind": tokenizer["kind"],
        "rows": sum(split["rows"] for split in splits),
        "max_tokens": examples["max_tokens"],
        "cut_rows": sum(split["cut_rows"] for split in splits),
        "cut_tokens": sum(split["cut_tokens"] for split in splits),
        "pretraining_tokens": done["shards"].facts["tokens"] if "pretrain" in done else None,
        "unknown_share": sum(split["unknown_tokens"] for split in splits) / max(1, tokens),
    }
