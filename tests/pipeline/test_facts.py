from __future__ import annotations

import json
from typing import Any

from penjing.pipeline.facts import collect_facts
from penjing.pipeline.notes import note_stage
from penjing.pipeline.outcome import Outcome
from penjing.pipeline.recipe_file import check_recipe
from penjing.train.history import read_history


def test_report_says_what_the_artifacts_say(small_run: Any, small_recipe: Any) -> None:
    recipe = check_recipe(small_recipe(small_run.out.parent), "small")
    done = small_run.artifacts
    facts = collect_facts(recipe, Outcome(done, small_run.evaluation, small_run.predictions, "penjing run small.toml"))
    assert facts.title == "small"
    assert facts.command == "penjing run small.toml"
    assert facts.model.parameters == done["finetune"].facts["parameters"]
    assert facts.model.shape == {"embedding_size": 16, "hidden_size": 16}
    assert [stage.name for stage in facts.path] == list(done)
    assert [stage.seconds for stage in facts.path] == [artifact.record["seconds"] for artifact in done.values()]
    assert facts.data is not None
    assert facts.data.read == {"reviews.csv": 120}
    assert sum(sum(labels.values()) for labels in facts.data.splits.values()) == 120
    splits = done["examples"].facts["splits"].values()
    assert facts.tokens is not None
    assert facts.tokens.cut_tokens == sum(split["cut_tokens"] for split in splits) > 0
    assert facts.tokens.vocabulary == done["tokenizer"].facts["vocabulary"]
    steps = [row for row in read_history(done["finetune"].folder / "history.jsonl") if "loss" in row]
    assert [row.loss for row in facts.curves.finetune if row.loss is not None] == [row["loss"] for row in steps]
    assert json.loads(facts.recipe)["seed"] == 0
    assert [entry["content"] for entry in facts.lineage] == [artifact.content for artifact in done.values()]


def test_every_stage_has_a_note_in_both_languages(small_run: Any) -> None:
    for name, artifact in small_run.artifacts.items():
        notes = {note_stage(name, artifact.facts, language) for language in ("en", "zh")}
        assert len(notes) == 2
        assert all(any(character.isdigit() for character in note) for note in notes)
    assert note_stage("finetune", {"tokens": 12345, "steps": 67}, "en") == "12,345 tokens in 67 steps"
    assert note_stage("added by a plug-in", {}, "en") == ""
