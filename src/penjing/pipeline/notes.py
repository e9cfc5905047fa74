"""What came of each stage, in a few words, in the language of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penjing.pipeline.stage import Artifact

_NOTES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "data": "{kept:,} of {read:,} rows",
        "corpus": "{documents:,} texts",
        "unlabelled": "{texts:,} of {read:,} texts",
        "recombined": "{texts:,} of {made:,} texts",
        "exercises": "of {texts:,} texts",
        "practice": "{practiced:,} tokens in {courses} courses",
        "tokenizer": "{vocabulary:,} entries",
        "shards": "{tokens:,} tokens",
        "vectors": "{size} numbers each",
        "pretrain": "{tokens:,} tokens in {steps:,} steps",
        "measure": "{rows:,} test texts",
        "examples": "{rows:,} rows",
        "reference": "{tokens:,} tokens of answers",
        "teacher": "{models} models",
        "teach": "{rows:,} rows",
        "finetune": "{tokens:,} tokens in {steps:,} steps",
        "items": "{tokens:,} items in {steps:,} steps",
        "head": "a head over {head[rows]:,} vectors",
        "unchanged": "the model stays as it is",
        "evaluate": "{rows:,} test rows",
        "explain": "{texts:,} test rows",
    },
    "zh": {
        "data": "{read:,} 条中的 {kept:,} 条",
        "corpus": "{documents:,} 篇文本",
        "unlabelled": "{read:,} 篇中的 {texts:,} 篇",
        "recombined": "{made:,} 篇中的 {texts:,} 篇",
        "exercises": "取自 {texts:,} 篇文本",
        "practice": "{practiced:,} 个词元，{courses} 门练习",
        "tokenizer": "{vocabulary:,} 个词条",
        "shards": "{tokens:,} 个词元",
        "vectors": "每个 {size} 维",
        "pretrain": "{tokens:,} 个词元，{steps:,} 步",
        "measure": "{rows:,} 篇测试文本",
        "examples": "{rows:,} 条",
        "reference": "回答共 {tokens:,} 个词元",
        "teacher": "{models} 个模型",
        "teach": "{rows:,} 条",
        "finetune": "{tokens:,} 个词元，{steps:,} 步",
        "items": "{tokens:,} 件物品，{steps:,} 步",
        "head": "{head[rows]:,} 个向量上的分类头",
        "unchanged": "模型保持不变",
        "evaluate": "{rows:,} 条测试数据",
        "explain": "{texts:,} 条测试数据",
    },
}

_TEACHERS = "teacher"  # what teachers are made by has their number after the name of its stage
_PRACTICE = "practice"  # what a course is made by has a name that begins so


def note_stage(stage: str, facts: Mapping[str, Any], language: str) -> str:
    """Returns what came of a stage; empty for a stage that has nothing to say."""
    if "splits" in facts and "rows" not in facts:
        facts = {**facts, "rows": sum(split["rows"] for split in facts["splits"].values())}
    if stage == "finetune" and facts.get("steps") == 0:
        stage = "head" if facts.get("head") else "unchanged"  # nothing else was trained
    if facts.get("counted") == "items":
        stage = "items"
    return _NOTES[language].get(stage, "").format(**facts)


def describe_stages(done: Mapping[str, Artifact], language: str) -> list[dict[str, Any]]:
    """Returns what the stages of a run took, and what came of each; all that made its teachers is one line.

    So is all that its practice took.
    """
    found: dict[str, list[Artifact]] = {}
    for name, artifact in done.items():
        found.setdefault(_line(name, artifact), []).append(artifact)
    return [_describe_stage(stage, artifacts, language) for stage, artifacts in found.items()]


def _line(name: str, artifact: Artifact) -> str:
    """Returns the line of the report that tells of an artifact of this name."""
    if name.startswith(_PRACTICE):
        return _PRACTICE
    return name if name == artifact.stage else _TEACHERS


def _describe_stage(stage: str, artifacts: list[Artifact], language: str) -> dict[str, Any]:
    records = [artifact.record for artifact in artifacts]
    energies = [record["energy_j"] for record in records]
    made = [artifact.facts for artifact in artifacts if artifact.stage == stage]
    counts = {"models": len(made), "courses": len(made), "practiced": sum(facts.get("tokens", 0) for facts in made)}
    return {
        "name": stage,
        "seconds": sum(record["seconds"] for record in records),
        "peak_memory_mb": max(record["peak_memory_mb"] for record in records),
        "energy_j": None if None in energies else sum(energies),
        "skipped": all(artifact.skipped for artifact in artifacts),
        "note": note_stage(stage, {**artifacts[-1].facts, **counts}, language),
    }
