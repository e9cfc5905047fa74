"""What the report of a language model is told is what the artifacts of its stages say."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.pipeline.facts import collect_language_facts
from penjing.pipeline.notes import note_stage
from penjing.pipeline.outcome import LanguageOutcome
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.report.language_facts import LanguageReportFacts
from penjing.pipeline.run import run_recipe
from penjing.progress import Silent
from penjing.text.shards import open_shard
from penjing.train.history import read_history


def collect(run: Any, recipe: dict[str, Any]) -> LanguageReportFacts:
    outcome = LanguageOutcome(run.artifacts, run.evaluation, run.generations, "penjing run small-lm.toml")
    return collect_language_facts(check_recipe(recipe, "small-lm"), outcome)


def test_report_says_what_the_artifacts_say(small_language_run: Any, language_recipe: Any) -> None:
    done = small_language_run.artifacts
    facts = collect(small_language_run, language_recipe(small_language_run.out.parent))
    pretrain = done["pretrain"]
    assert (facts.title, facts.objective, facts.model.family) == ("small-lm", "causal", "llama")
    assert facts.model.parameters == pretrain.facts["parameters"]
    assert facts.model.shape["hidden_size"] == 32
    assert facts.evaluation is not None
    assert (
        facts.evaluation.scores["bits_per_byte"].value
        == (small_language_run.evaluation["scores"]["bits_per_byte"]["value"])
    )
    assert facts.evaluation.baselines["xz"].scores["bits_per_byte"].low is None
    assert [item.text for item in facts.continuations] == [item.text for item in small_language_run.generations]
    assert facts.corpus["test"] == done["corpus"].facts["test"] > 0
    assert "in_evaluation" not in facts.corpus
    assert facts.tokens is not None
    tokens = len(open_shard(done["shards"].folder / "texts").tokens)
    assert (facts.tokens.pretraining_tokens, facts.tokens.left_out_tokens) == (tokens, tokens % 32)
    held_out = len(open_shard(done["shards"].folder / "held_out").tokens)
    assert facts.tokens.held_out_left_out_tokens == held_out % 32
    windows, rows = tokens // 32, pretrain.facts["batch_tokens"] // 32
    assert facts.tokens.twice_tokens == (math.ceil(windows / rows) * rows - windows) * 32
    assert facts.training is not None
    assert facts.training.utilization == pretrain.facts["utilization"]
    assert facts.training.validation_loss == pretrain.facts["best"]["validation_loss"]
    assert [stage.energy_j for stage in facts.path] == [artifact.record["energy_j"] for artifact in done.values()]


def test_samples_stand_with_the_prompts_they_continue(
    small_language_run: Any, language_recipe: Any, tmp_path: Path
) -> None:
    shutil.copytree(small_language_run.out.parent, tmp_path / "work")
    recipe = language_recipe(tmp_path / "work")
    old, recipe["report"] = recipe["report"]["examples"], {"examples": ["quite another"]}
    run = run_recipe(check_recipe(recipe, "small-lm"), tmp_path / "work" / "out", Silent(), ["test"])
    facts = collect(run, recipe)
    assert run.artifacts["pretrain"].skipped
    assert [item.prompt for item in facts.continuations] == ["quite another"]
    assert list(facts.growth.prompts) == old
    records = [row for row in read_history(run.artifacts["pretrain"].folder / "history.jsonl") if "samples" in row]
    assert [list(moment.texts) for moment in facts.growth.moments] == [row["samples"] for row in records]
    assert len(records) == 2


@pytest.mark.parametrize("objective", ["span", "denoise"])
def test_encoder_decoder_writes_to_prompts_while_it_learns(
    objective: str, language_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    recipe = language_recipe(tmp_path, "t5", objective)
    recipe["model"] = {"family": "t5", "shape": {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2}}
    run = run_recipe(check_recipe(recipe, "small-lm"), tmp_path / "out", Silent(), ["test"])
    growth = collect(run, recipe).growth
    asked = recipe["report"]["examples"]
    if objective == "span":
        assert list(growth.prompts) == [f"{prompt} <extra_id_0>" for prompt in asked]
    else:
        assert all("[MASK]" in prompt for prompt in growth.prompts)
    assert len(growth.moments) == 2
    assert all(len(moment.texts) == len(asked) for moment in growth.moments)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ("whose end is hidden" if objective == "span" else "damaged prompts") in page


def test_model_that_fills_masks_says_that_it_writes_nothing(
    language_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    said: list[str] = []

    class Listening(Silent):
        def say(self, text: str) -> None:
            said.append(text)

    recipe = language_recipe(tmp_path, "bert", "masked")
    run_recipe(check_recipe(recipe, "small-lm"), tmp_path / "out", Listening(), ["test"])
    assert any("nothing is written to [report] examples" in line for line in said)


def test_run_without_measures_has_no_evaluation(small_language_run: Any, language_recipe: Any) -> None:
    recipe = check_recipe(language_recipe(small_language_run.out.parent), "small-lm")
    outcome = LanguageOutcome(small_language_run.artifacts, {}, [], "test")
    assert collect_language_facts(recipe, outcome).evaluation is None


def test_every_stage_has_a_note_in_both_languages(small_language_run: Any) -> None:
    for name, artifact in small_language_run.artifacts.items():
        notes = {note_stage(name, artifact.facts, language) for language in ("en", "zh")}
        assert len(notes) == 2
        assert all(any(character.isdigit() for character in note) for note in notes)
