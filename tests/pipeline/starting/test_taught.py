"""Recipes are proposed for smaller models that learn from a larger one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import RecipeError, UsageError
from penjing.pipeline.plan import Plan, PlannedStage, make_plan
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.starting.finding import look_at_dialogues
from penjing.pipeline.starting.looking import Found, look_at_rows, look_at_texts
from penjing.pipeline.starting.proposing import Proposal, propose
from penjing.pipeline.starting.questions import look_at_questions
from penjing.pipeline.starting.recipe_text import write_recipe
from penjing.pipeline.starting.taught import is_smaller, teach
from penjing.pipeline.starting.wanted import Wanted
from penjing.progress import Silent

Make = Callable[..., dict[str, Any]]


def proposed(task: str, data: str, found: Found, teacher: Path, out: Path) -> Proposal:
    wanted = Wanted("mine", task, (data,), None, None, 60, "en", str(teacher))
    return propose(wanted, found, lambda recipe: make_plan(recipe, out, Silent()), lambda: 2e11)


@pytest.mark.parametrize("task", ["generate", "chat"])
def test_a_student_of_tokens_has_the_tokenizer_and_the_window_of_its_teacher(
    task: str, tmp_path: Path, teacher_recipe: Make
) -> None:
    if task == "chat":
        pytest.importorskip("bm25s", reason="the baseline of dialogues is not installed")
    recipe = teacher_recipe(tmp_path, task)
    teacher = run_recipe(check_recipe(recipe, "teacher"), tmp_path / "teacher", Silent(), ["test"])
    data = recipe["data"]["path"]
    found = look_at_dialogues(data, None, None) if task == "chat" else look_at_texts(data, None)
    proposal = proposed(task, data, found, teacher.model, tmp_path / "out")
    document = proposal.document
    assert document["tokenizer"] == {"start": str(teacher.model)}
    assert document["finetune"]["distill"] == {"teacher": str(teacher.model)}
    assert document["render"]["max_tokens"] == recipe["render"]["max_tokens"]
    assert "model" in document
    assert "start" not in document["model"]
    (tmp_path / "mine.toml").write_text(write_recipe(document, ["found"], "en"), encoding="utf-8")
    assert "# a larger model, whose answers are learned" in (tmp_path / "mine.toml").read_text(encoding="utf-8")
    assert load_recipe(tmp_path / "mine.toml") == proposal.recipe


def test_a_student_of_answers_has_the_tokenizer_of_its_teacher(
    tmp_path: Path, question_recipe: Make, question_run: Any
) -> None:
    data = question_recipe(tmp_path)["data"]["path"]
    proposal = proposed("answer", data, look_at_questions(data, {}), question_run.model, tmp_path / "out")
    document = proposal.document
    assert document["tokenizer"] == {"start": str(question_run.model)}
    assert document["finetune"]["distill"] == {"teacher": str(question_run.model)}
    assert document["render"] == {"max_tokens": 24, "max_question_tokens": 8, "overlap_tokens": 5}
    (tmp_path / "mine.toml").write_text(write_recipe(document, ["found"], "en"), encoding="utf-8")
    assert load_recipe(tmp_path / "mine.toml") == proposal.recipe


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_a_student_of_written_answers_is_of_the_make_of_its_teacher(
    family: str, tmp_path: Path, written_recipe: Make, written_run: Callable[[str], Any]
) -> None:
    teacher, data = written_run(family), written_recipe(tmp_path, family)["data"]["path"]
    proposal = proposed("answer", data, look_at_questions(data, {}), teacher.model, tmp_path / "out")
    document = proposal.document
    assert document["model"]["family"] == family
    assert document["tokenizer"] == {"start": str(teacher.model)}
    assert document["render"].items() >= {"max_tokens": 64, "max_target_tokens": 8}.items()
    (tmp_path / "mine.toml").write_text(write_recipe(document, ["found"], "en"), encoding="utf-8")
    assert load_recipe(tmp_path / "mine.toml") == proposal.recipe


def test_a_student_of_labels_starts_from_nothing(tmp_path: Path, small_recipe: Make, small_bert_run: Any) -> None:
    pytest.importorskip("gensim")
    data = small_recipe(tmp_path)["data"]["path"]
    found = look_at_rows(data, None, None)
    document = proposed("sentiment", data, found, small_bert_run.model, tmp_path / "out").document
    assert document["model"]["family"] == "lstm"
    assert document["finetune"]["distill"] == {"teacher": str(small_bert_run.model)}


def test_a_ranker_is_taught_too() -> None:
    wanted = Wanted("mine", "recommend", ("events.csv",), None, None, 60, "en", "runs/shop/model")
    ((kind, document),) = teach(wanted, [("ranker", {"task": "recommend", "finetune": {"epochs": 8}})])
    assert kind == "ranker"
    assert document["finetune"] == {"epochs": 8, "distill": {"teacher": "runs/shop/model"}}


def test_what_cannot_be_taught_is_refused(tmp_path: Path, small_recipe: Make) -> None:
    data = small_recipe(tmp_path)["data"]["path"]
    found = look_at_texts(data, None)
    with pytest.raises(UsageError, match="this is language-model"):
        proposed("language-model", data, found, tmp_path, tmp_path / "out")
    with pytest.raises(RecipeError, match="no such folder"):
        proposed("generate", data, found, tmp_path / "nowhere", tmp_path / "out")


def test_a_model_that_is_as_large_as_its_teacher_is_no_student() -> None:
    def plan(own: int, theirs: int) -> Plan:
        facts = {"parameters": own, "distill": {"teachers": [{"family": "llama", "parameters": theirs}]}}
        return Plan([PlannedStage("finetune", False, 1.0, 1, facts)], 1.0)

    assert is_smaller(plan(10, 11))
    assert not is_smaller(plan(10, 10))
    assert is_smaller(Plan([], 1.0))
