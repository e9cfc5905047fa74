"""A model of several tasks learns from a larger one of the same tasks how probable it finds every token."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.several_tasks import make_document

from penjing.cli.run import _say_teachers
from penjing.errors import RecipeError
from penjing.files import read_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent


def run(document: dict[str, Any], out: Path) -> RunResult:
    return run_recipe(check_recipe(document, "several"), out, Silent(), ["test"])


def student(document: dict[str, Any], teacher: Path) -> dict[str, Any]:
    """Returns the recipe of a narrower model that has the teacher's tokens."""
    made = copy.deepcopy(document)
    made["tokenizer"] = {"start": str(teacher)}
    made["model"]["shape"]["d_ff"] = 16
    made["finetune"]["distill"] = {"teacher": str(teacher)}
    return made


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], RunResult, RunResult]:
    """The recipe of a teacher, its run and its student's; nobody may change them."""
    folder = tmp_path_factory.mktemp("several")
    document = make_document(folder)
    teacher = run(document, folder / "teacher")
    return document, teacher, run(student(document, teacher.model), folder / "student")


def test_each_part_has_the_scores_of_its_teacher_beside_it(taught: Any, read_page: Any) -> None:
    _, teacher, own = taught
    for name, part in own.evaluation["parts"].items():
        found = part["teachers"]["1"]
        assert found["scores"] == teacher.evaluation["parts"][name]["scores"]
        assert found["learned_rows"] == 0
    assert read_json(own.model / "penjing.json")["distill"]["weight"] == 0.5
    text = read_page(own.report.read_text(encoding="utf-8")).text
    assert text.count("Teacher 1") >= 4  # once for all, and once for each part
    assert "tokens and teacher together" in text


def test_teacher_changes_what_is_learned_and_is_part_of_the_key(taught: Any, tmp_path: Path) -> None:
    document, teacher, own = taught
    alone = student(document, teacher.model)
    del alone["finetune"]["distill"]
    other = run(alone, tmp_path / "out")
    assert other.artifacts["finetune"].content != own.artifacts["finetune"].content
    assert "teachers" not in other.evaluation["parts"]["mood"]


def test_plan_says_who_teaches(taught: Any, tmp_path: Path) -> None:
    document, teacher, _ = taught
    plan = make_plan(check_recipe(student(document, teacher.model), "several"), tmp_path / "out", Silent())
    assert plan.facts("finetune")["distill"]["teachers"][0]["family"] == "t5"


def test_rows_that_a_teacher_learned_from_are_counted_and_told(taught: Any, tmp_path: Path) -> None:
    document, teacher, _ = taught
    again = {**student(document, teacher.model), "seed": 1}  # it divides the rows otherwise
    done = run(again, tmp_path / "out")
    learned = [part["teachers"]["1"]["learned_rows"] for part in done.evaluation["parts"].values()]
    assert all(rows > 0 for rows in learned)
    assert f"it learned from {sum(learned)} of the test rows" in _say_teachers(done)[0]


def test_teacher_with_other_labels_is_refused_before_the_training(taught: Any, tmp_path: Path) -> None:
    document, teacher, _ = taught
    renamed = student(document, teacher.model)
    renamed["parts"]["mood"]["data"]["labels"] = {"0": "bad", "1": "good"}
    with pytest.raises(RecipeError, match="labels of the part mood are bad, good"):
        run(renamed, tmp_path / "out")
    assert not list((tmp_path / "out" / "stages").glob("finetune-*[0-9a-f]"))


def test_teacher_of_other_parts_templates_or_tokens_is_refused(taught: Any) -> None:
    document, teacher, _ = taught
    renamed = student(document, teacher.model)
    renamed["parts"]["feeling"] = renamed["parts"].pop("mood")
    asked = student(document, teacher.model)
    asked["parts"]["mood"]["template"] = "how is this: {text}"
    tokens = student(document, teacher.model)
    tokens["tokenizer"] = document["tokenizer"]
    for refused, said in ((renamed, "part feeling .* it has none"), (asked, "mood: {text}"), (tokens, "own tokens")):
        with pytest.raises(RecipeError, match=said):
            check_runnable(check_recipe(refused, "several"))
