"""A model that finds answers learns from a larger one where they may begin and end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import RecipeError
from penjing.files import read_json
from penjing.hashing import hash_file
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent

Make = Callable[..., dict[str, Any]]


def student_of(recipe: dict[str, Any], teacher: Path, **distill: Any) -> dict[str, Any]:
    """The recipe of a smaller model that learns from the one in a folder."""
    shape = {**recipe["model"]["shape"], "hidden_size": 16, "intermediate_size": 32}
    return {
        **recipe,
        "name": "student",
        "tokenizer": {"start": str(teacher)},
        "model": {"family": "bert", "shape": shape},
        "finetune": {**recipe["finetune"], "distill": {"teacher": str(teacher), **distill}},
    }


def run(recipe: dict[str, Any], out: Path) -> RunResult:
    return run_recipe(check_recipe(recipe, recipe["name"]), out, Silent(), ["test"])


@pytest.fixture(scope="module")
def taught(
    question_recipe: Make, question_run: RunResult, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], RunResult]:
    """The recipe of a student and its run; nobody may change it."""
    folder = tmp_path_factory.mktemp("taught")
    recipe = student_of(question_recipe(folder), question_run.model)
    return recipe, run(recipe, folder / "out")


def test_the_teacher_stands_beside_its_student_in_scores_lineage_and_report(
    taught: tuple[dict[str, Any], RunResult], question_run: RunResult, read_page: Any
) -> None:
    _, own = taught
    found = own.evaluation["teachers"]["1"]
    assert found["scores"] == question_run.evaluation["scores"]
    assert (found["rows"], found["learned_rows"]) == (own.evaluation["rows"], 0)
    card = read_json(own.model / "penjing.json")
    entry = next(entry for entry in card["lineage"] if entry["stage"] == "finetune")
    assert ["model.safetensors", hash_file(question_run.model / "model.safetensors")] in entry["files"]
    size = question_run.artifacts["finetune"].facts["parameters"]
    assert card["distill"] == {
        "teachers": [{"family": "bert", "parameters": size}],
        "temperature": 2.0,
        "weight": 0.5,
    }
    text = read_page(own.report.read_text(encoding="utf-8")).text
    assert text.count("Teacher 1") >= 3
    assert "answers and teacher together" in text


def test_the_teacher_changes_what_is_learned(
    taught: tuple[dict[str, Any], RunResult], question_run: RunResult, tmp_path: Path
) -> None:
    recipe, own = taught
    plain = {key: value for key, value in recipe["finetune"].items() if key != "distill"}
    alone = run({**recipe, "finetune": plain}, tmp_path / "alone")
    assert "teachers" not in alone.evaluation
    assert (alone.model / "model.safetensors").read_bytes() != (own.model / "model.safetensors").read_bytes()
    again = run({**recipe, "report": {"language": "zh"}}, tmp_path / "again")
    assert (again.model / "model.safetensors").read_bytes() == (own.model / "model.safetensors").read_bytes()
    page = again.report.read_text(encoding="utf-8")
    assert "教师 1" in page
    assert "训练线含答案与教师两部分" in page


def test_a_teacher_that_learned_from_test_questions_is_told_of(
    taught: tuple[dict[str, Any], RunResult], tmp_path: Path
) -> None:
    recipe, _ = taught
    done = run({**recipe, "seed": 1}, tmp_path / "out")  # it divides the documents otherwise
    assert 0 < done.evaluation["teachers"]["1"]["learned_rows"] <= done.evaluation["rows"]


def test_a_plan_counts_the_teacher_and_leaves_nothing(taught: tuple[dict[str, Any], RunResult], tmp_path: Path) -> None:
    recipe, own = taught
    plan = make_plan(check_recipe(recipe, "student"), tmp_path / "out", Silent())
    stages = {stage.name: stage for stage in plan.stages}
    facts = own.artifacts["finetune"].facts
    assert stages["finetune"].facts["distill"] == {"teachers": facts["distill"]["teachers"]}
    assert stages["finetune"].facts["steps"] == facts["steps"]
    assert not (tmp_path / "out").exists()


def test_a_teacher_that_reads_other_tokens_or_labels_is_refused_before_anything_runs(
    taught: tuple[dict[str, Any], RunResult], question_recipe: Make, small_bert_run: RunResult, tmp_path: Path
) -> None:
    recipe, _ = taught
    with pytest.raises(RecipeError, match=r"trains a tokenizer with others.*\[tokenizer\]"):
        check_runnable(check_recipe({**recipe, "tokenizer": {"kind": "wordpiece"}}, "student"))
    other = student_of(question_recipe(tmp_path), small_bert_run.model)
    with pytest.raises(RecipeError, match="its answers are not those of the task answer"):
        check_runnable(check_recipe(other, "student"))
