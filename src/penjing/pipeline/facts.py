"""Gathers what a run's report says from the artifacts of its stages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, TypeAlias

from penjing.data.questions import COUNTED
from penjing.machine import describe_machine
from penjing.models.weights import read_config
from penjing.pipeline.event_facts import count_events, count_item_texts
from penjing.pipeline.name_facts import describe_names
from penjing.pipeline.notes import describe_stages
from penjing.pipeline.outcome import LanguageOutcome, Outcome
from penjing.pipeline.part_facts import describe_parts
from penjing.pipeline.practice import describe_courses
from penjing.pipeline.pretraining_facts import count_language_tokens, describe_training, read_growth
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import (
    ContinuationRecipe,
    DialogueRecipe,
    PreferenceRecipe,
    WritingRecipe,
    WrittenAnswerRecipe,
    trained_teachers,
)
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.pipeline.report.answer_facts import AnswerReportFacts
from penjing.pipeline.report.dialogue_facts import DialogueReportFacts
from penjing.pipeline.report.facts import OF_ROWS, ReportFacts
from penjing.pipeline.report.generation_facts import GenerationReportFacts
from penjing.pipeline.report.language_facts import LanguageReportFacts
from penjing.pipeline.report.multi_facts import MultiReportFacts
from penjing.pipeline.report.multilabel_facts import MultilabelReportFacts
from penjing.pipeline.report.preference_facts import PreferenceReportFacts
from penjing.pipeline.report.ranking_facts import RankingReportFacts
from penjing.pipeline.report.writing_facts import WritingReportFacts
from penjing.pipeline.row_facts import count_corpus, count_data, count_rows, count_tokens, rows_by_split
from penjing.pipeline.stage import Artifact
from penjing.pipeline.stages.explain import read_explanations
from penjing.pipeline.start import architecture_of
from penjing.pipeline.teaching import with_known_rows
from penjing.tasks.prediction import (
    ClassPrediction,
    ItemPrediction,
    RankPrediction,
    SetPrediction,
    TextPrediction,
)
from penjing.tasks.task import Answers, load_task
from penjing.train.history import HISTORY, read_history

# What the hub's configs call the sizes of a network.
_SIZES = (
    *("embedding_size", "hidden_size", "intermediate_size", "num_hidden_layers"),
    *("num_attention_heads", "num_key_value_heads", "d_model", "d_ff", "num_layers", "num_decoder_layers", "num_heads"),
)
FineTunedFacts: TypeAlias = (
    ReportFacts
    | MultilabelReportFacts
    | WritingReportFacts
    | AnswerReportFacts
    | DialogueReportFacts
    | RankingReportFacts
    | PreferenceReportFacts
    | GenerationReportFacts
    | MultiReportFacts
)
_PACKAGES = ("penjing", "torch", "tokenizers", "numpy", "pyarrow", "scikit-learn")


def collect_facts(recipe: Recipe, outcome: Outcome) -> FineTunedFacts:
    """Returns all that the report of a fine-tuned model says."""
    return _COLLECT[load_task(task_of(recipe)).answers](recipe, outcome)


def _collect_label_facts(recipe: Recipe, outcome: Outcome) -> ReportFacts:
    done = outcome.artifacts
    return ReportFacts.model_validate(
        {
            **_describe_run(recipe, done, outcome.command),
            "task": recipe.task,
            "model": {
                **_describe_fine_tuned(recipe, outcome, recipe.model.shape),
                "names": describe_names(recipe, done["examples"].facts),
            },
            "evaluation": outcome.evaluation,
            "predictions": [
                {
                    "text": item.text,
                    "label": item.label,
                    "probability": item.probability,
                    **({"expected": item.expected} if isinstance(item, RankPrediction) else {}),
                }
                for item in outcome.predictions
                if isinstance(item, ClassPrediction)
            ],
            "explanations": read_explanations(done["explain"].folder) if "explain" in done else None,
            "data": count_data(done["data"].facts),
            "corpus": count_corpus(done),
            "tokens": count_tokens(done),
        }
    )


def _collect_writing_facts(recipe: Recipe, outcome: Outcome) -> WritingReportFacts:
    assert isinstance(recipe, WritingRecipe)
    done = outcome.artifacts
    counts = done["data"].facts
    return WritingReportFacts.model_validate(
        {
            **_describe_outcome(recipe, outcome),
            "answers": [item.to_dict() for item in outcome.predictions if isinstance(item, TextPrediction)],
            "beams": recipe.write.beams,
            "data": {**count_rows(counts), "splits": rows_by_split(counts)},
            "corpus": count_corpus(done),
            "tokens": count_tokens(done),
            "max_target_tokens": done["examples"].facts["max_target_tokens"],
        }
    )


def _collect_multilabel_facts(recipe: Recipe, outcome: Outcome) -> MultilabelReportFacts:
    done = outcome.artifacts
    counts = done["data"].facts
    return MultilabelReportFacts.model_validate(
        {
            **_describe_run(recipe, done, outcome.command),
            "task": recipe.task,
            "model": _describe_fine_tuned(recipe, outcome, recipe.model.shape),
            "evaluation": outcome.evaluation,
            "answers": [item.to_dict() for item in outcome.predictions if isinstance(item, SetPrediction)],
            "data": {
                **count_rows(counts),
                "splits": {split: figures["labels"] for split, figures in counts["splits"].items()},
                "rows": {split: figures["rows"] for split, figures in counts["splits"].items()},
                "without": {split: figures["without"] for split, figures in counts["splits"].items()},
            },
            "corpus": count_corpus(done),
            "tokens": count_tokens(done),
        }
    )


def _collect_answer_facts(recipe: Recipe, outcome: Outcome) -> AnswerReportFacts:
    done = outcome.artifacts
    counts = done["data"].facts
    tokens, splits = count_tokens(done), done["examples"].facts["splits"].values()
    settled = outcome.evaluation.get("settled", {}).get("answer", {})
    return AnswerReportFacts.model_validate(
        {
            **_describe_outcome(recipe, outcome),
            "threshold": settled.get("threshold"),
            "data": {
                **count_rows(counts),
                "splits": rows_by_split(counts),
                "documents": {split: figures["documents"] for split, figures in counts["splits"].items()},
                "references": {
                    **{name: counts[name] for name in COUNTED},
                    "off_borders": sum(split.get("off_borders", 0) for split in splits),
                },
            },
            "corpus": count_corpus(done),
            "tokens": tokens,
            "windows": sum(split.get("windows", split["rows"]) for split in splits),
            "written": _describe_writing(recipe, done),
        }
    )


def _describe_writing(recipe: Recipe, done: dict[str, Artifact]) -> dict[str, Any] | None:
    """Returns how answers are written; None where they are found in texts."""
    if not isinstance(recipe, WrittenAnswerRecipe):
        return None
    examples = done["examples"].facts
    return {
        "template": recipe.render.template,
        "max_target_tokens": examples["max_target_tokens"],
        "not_learned": sum(split["not_learned"] for split in examples["splits"].values()),
        "beams": recipe.write.beams,
    }


def _collect_dialogue_facts(recipe: Recipe, outcome: Outcome) -> DialogueReportFacts:
    assert isinstance(recipe, DialogueRecipe)
    done = outcome.artifacts
    counts, laid_out = done["data"].facts, done["examples"].facts
    examples = laid_out["splits"]
    return DialogueReportFacts.model_validate(
        {
            **_describe_outcome(recipe, outcome),
            "answers": [item.to_dict() for item in outcome.predictions if isinstance(item, TextPrediction)],
            "data": {
                **count_rows(counts),
                "splits": rows_by_split(counts),
                "exchanges": {split: figures["exchanges"] for split, figures in examples.items()},
            },
            "corpus": count_corpus(done),
            "tokens": count_tokens(done),
            "left_out": sum(split["left_out"] for split in examples.values()),
            "other_sides": laid_out.get("other_sides"),
        }
    )


def _collect_ranking_facts(recipe: Recipe, outcome: Outcome) -> RankingReportFacts:
    done = outcome.artifacts
    return RankingReportFacts.model_validate(
        {
            **_describe_outcome(recipe, outcome),
            "answers": [item.to_dict() for item in outcome.predictions if isinstance(item, ItemPrediction)],
            "data": count_events(done["data"].facts),
            "texts": count_item_texts(recipe, done["tokenizer"].facts, done["examples"].facts),
        }
    )


def _collect_preference_facts(recipe: Recipe, outcome: Outcome) -> PreferenceReportFacts:
    assert isinstance(recipe, PreferenceRecipe)
    done = outcome.artifacts
    counts = done["data"].facts
    return PreferenceReportFacts.model_validate(
        {
            **_describe_outcome(recipe, outcome),
            "answers": [item.to_dict() for item in outcome.predictions if isinstance(item, TextPrediction)],
            "data": {
                **count_rows(counts),
                "splits": rows_by_split(counts),
            },
            "tokens": count_tokens(done),
            "left_out": sum(split["left_out"] for split in done["examples"].facts["splits"].values()),
            "learned": recipe.finetune.preference.model_dump(mode="json"),
        }
    )


def _collect_generation_facts(recipe: Recipe, outcome: Outcome) -> GenerationReportFacts:
    assert isinstance(recipe, ContinuationRecipe)
    done = outcome.artifacts
    counts, splits = done["data"].facts, done["examples"].facts["splits"].values()
    return GenerationReportFacts.model_validate(
        {
            **_describe_outcome(recipe, outcome),
            "answers": [item.to_dict() for item in outcome.predictions if isinstance(item, TextPrediction)],
            **recipe.write.model_dump(include={"temperature", "top_p"}),
            "data": {**count_rows(counts), "splits": rows_by_split(counts)},
            "corpus": count_corpus(done),
            "tokens": count_tokens(done),
            "texts": sum(split["texts"] for split in splits),
            "several": sum(split["several"] for split in splits),
        }
    )


def _collect_multi_facts(recipe: Recipe, outcome: Outcome) -> MultiReportFacts:
    assert isinstance(recipe, MultiRecipe)
    done = outcome.artifacts
    return MultiReportFacts.model_validate(
        {
            **{key: value for key, value in _describe_outcome(recipe, outcome).items() if key != "evaluation"},
            "parts": {
                name: {**told, "alone": collect_facts(*alone)}
                for name, (told, alone) in describe_parts(recipe, outcome).items()
            },
            "between": sum(done["data"].facts["between_parts"].values()),
            "corpus": count_corpus(done),
            "tokens": count_tokens(done),
        }
    )


_COLLECT: Mapping[Answers, Callable[[Recipe, Outcome], FineTunedFacts]] = {
    "label": _collect_label_facts,
    "rank": _collect_label_facts,
    "set": _collect_multilabel_facts,
    "text": _collect_writing_facts,
    "span": _collect_answer_facts,
    "reply": _collect_dialogue_facts,
    "items": _collect_ranking_facts,
    "preferred text": _collect_preference_facts,
    "preferred reply": _collect_preference_facts,
    "continuation": _collect_generation_facts,
    "parts": _collect_multi_facts,
}


def collect_language_facts(recipe: Recipe, outcome: LanguageOutcome) -> LanguageReportFacts:
    """Returns all that the report of a language model says."""
    done = outcome.artifacts
    pretrain, sizes = done["pretrain"], dict.fromkeys([*_SIZES, *recipe.model.shape])
    return LanguageReportFacts.model_validate(
        {
            **_describe_run(recipe, done, outcome.command),
            "objective": pretrain.facts["objective"],
            "model": _describe_model(pretrain, architecture_of(recipe).name, sizes),
            "evaluation": outcome.measures if outcome.measures.get("scores") else None,
            "continuations": [
                {"prompt": item.prompt, "text": item.text, "is_cut": item.finish_reason == "length"}
                for item in outcome.generations
            ],
            "growth": read_growth(pretrain),
            "corpus": {key: value for key, value in count_corpus(done).items() if value or key not in OF_ROWS},
            "tokens": count_language_tokens(recipe, done),
            "training": describe_training(pretrain),
        }
    )


def _describe_outcome(recipe: Recipe, outcome: Outcome) -> dict[str, Any]:
    """Returns what the report of a fine-tuned model says, its rows apart."""
    done, sizes = outcome.artifacts, dict.fromkeys([*_SIZES, *recipe.model.shape])
    return {
        **_describe_run(recipe, done, outcome.command),
        "task": recipe.task,
        "model": _describe_fine_tuned(recipe, outcome, sizes),
        "evaluation": outcome.evaluation,
    }


def _describe_run(recipe: Recipe, done: dict[str, Artifact], command: str) -> dict[str, Any]:
    """Returns what the report of any run says, its model and corpus apart."""
    return {
        "title": recipe.name,
        "command": command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "path": describe_stages(done, recipe.report.language),
        "curves": {name: read_history(done[name].folder / HISTORY) for name in _trained(done)},
        "machine": describe_machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "recipe": json.dumps(recipe.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False),
        "lineage": [
            {key: artifact.record[key] for key in ("stage", "key", "content", "finished")} for artifact in done.values()
        ],
    }


def _trained(done: dict[str, Artifact]) -> list[str]:
    return [name for name in ("pretrain", "finetune") if name in done]


def _describe_fine_tuned(recipe: Recipe, outcome: Outcome, shape: Iterable[str]) -> dict[str, Any]:
    """Returns what the report says of a fine-tuned network, and of those that taught it."""
    artifact = outcome.artifacts["finetune"]
    known = with_known_rows(artifact.facts.get("distill"), outcome.evaluation)
    taught = None if known is None else {**known, **trained_teachers(recipe)}
    practiced = describe_courses(recipe, outcome.artifacts)
    return {**_describe_model(artifact, artifact.facts["family"], shape), "distill": taught, "practice": practiced}


def _describe_model(artifact: Artifact, family: str, shape: Iterable[str]) -> dict[str, Any]:
    config = read_config(artifact.folder / "model")
    kept = {key: config[key] for key in shape if key in config}
    facts = artifact.facts
    return {
        "family": family,
        "parameters": facts["parameters"],
        **{key: facts.get(key) for key in ("lora", "head", "ngrams")},
        "shape": kept,
    }
