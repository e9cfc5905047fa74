"""Models that learn from teachers: what the teachers say, where it lies, what is refused, what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penjing
from penjing.data.reading import iter_texts, read_split
from penjing.errors import Interrupted, RecipeError
from penjing.files import read_json
from penjing.hashing import hash_file
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import remove_texts, run_recipe
from penjing.pipeline.tracing import find_texts, started_from
from penjing.progress import Silent

Make = Callable[..., dict[str, Any]]


def student(folder: Path, small_recipe: Make, teacher: Path, **more: Any) -> dict[str, Any]:
    """Writes texts without labels, two of which are labelled rows, and returns the recipe of a small LSTM."""
    recipe = small_recipe(folder)
    labelled = (folder / "reviews.csv").read_text(encoding="utf-8").splitlines()[1:3]
    texts = ["text", *(line.rpartition(",")[0] for line in labelled), *(f"warm camera {n}" for n in range(30))]
    (folder / "texts.csv").write_text("\n".join(texts), encoding="utf-8")
    distill = {"teacher": str(teacher), "unlabelled": {"path": str(folder / "texts.csv")}, **more}
    recipe["finetune"] |= {"epochs": 2, "distill": distill}
    return {**recipe, "name": "student"}


def run(recipe: dict[str, Any], out: Path) -> Any:
    return run_recipe(check_recipe(recipe, recipe["name"]), out, Silent(), ["test"])


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, small_recipe: Make, small_bert_run: Any) -> tuple[Path, Any]:
    """The folder and the finished run of a student; nobody may change them."""
    folder = tmp_path_factory.mktemp("taught")
    return folder, run(student(folder, small_recipe, small_bert_run.model), folder / "out")


def test_the_answers_beside_the_rows_are_those_of_the_teacher(taught: tuple[Path, Any], small_bert_run: Any) -> None:
    done = taught[1].artifacts
    texts = read_split(done["data"].folder, "train").texts
    texts += [text for batch in iter_texts(done["unlabelled"].folder / "texts.parquet") for text in batch]
    logits = np.load(done["teach"].folder / "train.npy")
    teacher: Any = penjing.load(small_bert_run.model, "cpu")
    assert logits.shape == (len(texts), 1, 2)
    np.testing.assert_allclose(logits[:, 0], teacher.score_texts(texts)[0], atol=1e-5)
    assert teacher.labels == penjing.load(taught[1].model, "cpu").labels  # type: ignore[attr-defined]
    assert done["unlabelled"].facts["texts"] == 30
    assert done["unlabelled"].facts["in_evaluation"] + done["unlabelled"].facts["in_training"] == 2


def test_a_teacher_is_in_the_lineage_of_its_student_by_content(taught: tuple[Path, Any], small_bert_run: Any) -> None:
    card = read_json(taught[1].model / "penjing.json")
    entry = next(entry for entry in card["lineage"] if entry["stage"] == "teach")
    assert ["model.safetensors", hash_file(small_bert_run.model / "model.safetensors")] in entry["files"]
    assert card["distill"]["teachers"] == [
        {"family": "bert", "parameters": small_bert_run.artifacts["finetune"].facts["parameters"]}
    ]
    assert (card["distill"]["temperature"], card["distill"]["weight"]) == (2.0, 0.5)


def test_teachers_scores_and_sizes_stand_beside_the_students(
    taught: tuple[Path, Any], small_bert_run: Any, read_page: Any
) -> None:
    evaluation = taught[1].evaluation
    assert evaluation["teachers"]["1"]["scores"]["accuracy"] == small_bert_run.evaluation["scores"]["accuracy"]
    assert set(evaluation["baselines"]) == set(small_bert_run.evaluation["baselines"])
    text = read_page(taught[1].report.read_text(encoding="utf-8")).text
    sizes = [done.artifacts["finetune"].facts["parameters"] for done in (small_bert_run, taught[1])]
    assert "Teacher 1" in text
    assert f"{sizes[0] / sizes[1]:.1f} times as many as this model" in text
    assert "30 of 32" in text


def test_another_temperature_does_not_ask_the_teachers_again(
    taught: tuple[Path, Any], small_recipe: Make, small_bert_run: Any
) -> None:
    folder, first = taught
    recipe = student(folder, small_recipe, small_bert_run.model, temperature=5.0)
    again = run({**recipe, "report": {"language": "zh"}}, folder / "out")
    assert again.artifacts["teach"].skipped
    assert not again.artifacts["finetune"].skipped
    assert "教师 1" in again.report.read_text(encoding="utf-8")
    run(student(folder, small_recipe, small_bert_run.model), folder / "out")  # as the fixture left it
    assert first.artifacts["finetune"].content


def test_a_stopped_stage_goes_on_with_the_teachers_that_were_not_asked(
    tmp_path: Path, small_recipe: Make, small_bert_run: Any, small_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = student(tmp_path, small_recipe, small_bert_run.model)
    recipe["finetune"]["distill"]["teacher"] = [str(small_bert_run.model), str(small_run.model)]
    whole = run(recipe, tmp_path / "whole")
    monkeypatch.setattr("penjing.pipeline.kinds.taught._PART_ROWS", 50)

    class StopLate(Silent):
        asked = 0

        def should_stop(self) -> bool:
            StopLate.asked += any((tmp_path / "out").glob("stages/teach-*.part/parts/train-1-*"))
            return StopLate.asked > 1

    with pytest.raises(Interrupted):
        run_recipe(check_recipe(recipe, "student"), tmp_path / "out", StopLate(), ["test"])
    (left,) = (tmp_path / "out").glob("stages/teach-*.part/parts/train-0-000000.npy")
    np.save(left, np.load(left) + 1)  # it is seen below that this was not asked again
    resumed = run(recipe, tmp_path / "out").artifacts["teach"].folder
    found, expected = (np.load(folder / "train.npy") for folder in (resumed, whole.artifacts["teach"].folder))
    np.testing.assert_allclose(found[:50, 0], expected[:50, 0] + 1, atol=1e-5)
    np.testing.assert_allclose(found[50:], expected[50:], atol=1e-5)
    assert set(whole.evaluation["teachers"]) == {"1", "2", "all"}


@pytest.mark.parametrize("task", ["stars", "multilabel"])
def test_other_labels_are_taught_too(
    tmp_path: Path, small_recipe: Make, label_kind_run: Callable[[str], Any], task: str
) -> None:
    teacher = label_kind_run(task)
    recipe = student(tmp_path, small_recipe, teacher.model)
    recipe["data"], recipe["task"] = read_json(teacher.out / "recipe.json")["recipe"]["data"], task
    done = run(recipe, tmp_path / "out")
    score = "mae" if task == "stars" else done.evaluation["best_by"]
    theirs = done.evaluation["teachers"]["1"]["scores"][score]["value"]
    assert theirs == pytest.approx(teacher.evaluation["scores"][score]["value"], abs=1e-4)
    texts = [text for batch in iter_texts(done.artifacts["unlabelled"].folder / "texts.parquet") for text in batch]
    logits = np.load(done.artifacts["teach"].folder / "train.npy")
    model: Any = penjing.load(teacher.model, "cpu")
    np.testing.assert_allclose(logits[-len(texts) :, 0], model.score_texts(texts)[0], atol=1e-4)


def test_adapters_learn_from_a_teacher(tmp_path: Path, small_recipe: Make, small_bert_run: Any) -> None:
    recipe = student(tmp_path, small_recipe, small_bert_run.model)
    recipe |= {"model": {"start": str(small_bert_run.model)}}
    recipe["finetune"]["lora"] = {"rank": 2}
    done = run(recipe, tmp_path / "out")
    assert done.adapter is not None
    assert done.artifacts["finetune"].facts["lora"]["merging"]["rows"]


def test_a_plan_counts_the_teachers_and_leaves_nothing(tmp_path: Path, small_recipe: Make, small_bert_run: Any) -> None:
    recipe = check_recipe(student(tmp_path, small_recipe, small_bert_run.model), "student")
    plan = make_plan(recipe, tmp_path / "out", Silent())
    stages = {stage.name: stage for stage in plan.stages}
    assert stages["teach"].seconds > 0
    assert stages["teach"].facts["rows"] == 150 == stages["examples"].facts["splits"]["train"]["rows"] + 54
    done = run_recipe(recipe, tmp_path / "run", Silent(), ["test"])
    assert stages["finetune"].facts["steps"] == done.artifacts["finetune"].facts["steps"]
    assert not (tmp_path / "out").exists()


def test_what_cannot_teach_is_refused_before_anything_runs(
    tmp_path: Path, small_recipe: Make, small_bert_run: Any, label_kind_run: Callable[[str], Any]
) -> None:
    def check(teacher: Path) -> None:
        check_runnable(check_recipe(student(tmp_path, small_recipe, teacher), "student"))

    with pytest.raises(RecipeError, match="no such folder"):
        check(tmp_path / "nowhere")
    with pytest.raises(RecipeError, match="finished run"):
        check(tmp_path)
    with pytest.raises(
        RecipeError, match="for the task multilabel, and its answers are not those of the task sentiment"
    ):
        check(label_kind_run("multilabel").model)
    recipe = student(tmp_path, small_recipe, small_bert_run.model)
    recipe["finetune"] = {"head": {}, "distill": recipe["finetune"]["distill"]}
    with pytest.raises(RecipeError, match=r"distill has no sense with \[finetune.head\]"):
        check_recipe(recipe, "student")
    with pytest.raises(RecipeError, match="is for models that label, find answers, write or rank"):
        check_recipe({"task": "prefer", "data": {"path": "x"}, "finetune": {"distill": {"teacher": "y"}}}, "pairs")


def test_a_teacher_of_other_labels_is_refused_with_both(
    tmp_path: Path, small_recipe: Make, label_kind_run: Callable[[str], Any]
) -> None:
    recipe = student(tmp_path, small_recipe, label_kind_run("stars").model)
    with pytest.raises(RecipeError, match=r"teacher are 1, 2, 3, 4, 5, and those of \[data\] are negative, positive"):
        run(recipe, tmp_path / "out")


def test_a_text_without_a_label_is_removed_from_run_and_answers(
    tmp_path: Path, small_recipe: Make, small_bert_run: Any
) -> None:
    document = student(tmp_path, small_recipe, small_bert_run.model)
    first = run(document, tmp_path / "out")
    batch = next(iter_texts(first.artifacts["unlabelled"].folder / "texts.parquet", column="id"))
    removal = remove_texts(check_recipe(document, "student"), tmp_path / "out", batch[:1], Silent())
    assert list(removal.texts) == batch[:1]
    assert "teach" in removal.waiting
    assert not first.artifacts["teach"].folder.exists()
    assert not find_texts(tmp_path / "out", set(batch[:1]))
    again = run(document, tmp_path / "out")
    assert again.artifacts["unlabelled"].facts["texts"] == 29
    assert len(np.load(again.artifacts["teach"].folder / "train.npy")) == 96 + 29
    assert started_from(tmp_path / "out") == []
