"""Teachers that a run trains itself: which they are, that they are trained once, and what is said of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from tests.pipeline.own_teachers import Make, own, run, weights_of

import penjing
from penjing.data.keys import text_ids
from penjing.data.reading import read_split
from penjing.errors import RecipeError
from penjing.files import read_json
from penjing.pipeline.own_teachers import member_seed
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import remove_texts, run_recipe
from penjing.progress import Silent


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, small_recipe: Make) -> tuple[Path, Any]:
    """The folder and the finished run of a model with teachers of its own kind; nobody may change them."""
    folder = tmp_path_factory.mktemp("own")
    return folder, run(own(folder, small_recipe), folder / "out")


def test_teachers_are_of_the_models_kind_and_all_different(taught: tuple[Path, Any]) -> None:
    artifacts = taught[1].artifacts
    names = ["teacher-1.1", "teacher-1.2", "teacher-2.1", "teacher-2.2", "finetune"]
    assert len({weights_of(artifacts, name) for name in names}) == len(names)
    sizes = {artifacts[name].facts["parameters"] for name in names}
    assert len(sizes) == 1
    assert "distill" not in artifacts["teacher-1.1"].facts
    assert len(artifacts["teacher-2.1"].facts["distill"]["teachers"]) == 2


def test_first_generation_is_what_the_recipe_makes_alone_with_that_seed(
    taught: tuple[Path, Any], small_recipe: Make
) -> None:
    folder, result = taught
    alone = own(folder, small_recipe)
    del alone["finetune"]["distill"]
    seed = member_seed(check_recipe(alone, "own").seed, 1, 1)
    alone["finetune"]["seed"] = seed
    made = run(alone, folder / "alone")
    assert weights_of(made.artifacts, "finetune") == weights_of(result.artifacts, "teacher-1.1")


def test_each_generation_learns_what_the_one_before_says(taught: tuple[Path, Any]) -> None:
    artifacts = taught[1].artifacts
    texts = read_split(artifacts["data"].folder, "validation").texts
    for generation, asked in ((1, "teach-2.1"), (2, "teach")):
        logits = np.load(artifacts[asked].folder / "validation.npy")
        for number in (1, 2):
            folder = artifacts[f"teacher-{generation}.{number}"].folder / "model"
            teacher: Any = penjing.load(folder, "cpu")
            np.testing.assert_allclose(logits[:, number - 1], teacher.score_texts(texts)[0], atol=0.05)


def test_model_is_that_of_the_same_teachers_given_by_their_folders(
    taught: tuple[Path, Any], small_recipe: Make
) -> None:
    folder, result = taught
    last = [str(result.artifacts[f"teacher-2.{number}"].folder / "model") for number in (1, 2)]
    given = own(folder, small_recipe)
    given["finetune"]["distill"] = {"teacher": last, "recombined": 1}
    made = run(given, folder / "given")
    assert weights_of(made.artifacts, "finetune") == weights_of(result.artifacts, "finetune")


def test_nothing_is_trained_twice_and_another_weight_keeps_the_first_generation(
    taught: tuple[Path, Any], small_recipe: Make, tmp_path: Path
) -> None:
    folder, out = taught[0], tmp_path / "out"
    shutil.copytree(folder / "out", out)
    again = run(own(folder, small_recipe), out)
    assert all(artifact.skipped for artifact in again.artifacts.values())
    other = run(own(folder, small_recipe, weight=0.9), out)
    skipped = {name for name, artifact in other.artifacts.items() if artifact.skipped}
    assert skipped >= {"data", "examples", "teacher-1.1", "teacher-1.2", "teach-2.1"}
    assert not skipped & {"teacher-2.1", "teacher-2.2", "teach", "finetune"}


def test_teachers_stand_in_lineage_card_evaluation_and_report(taught: tuple[Path, Any], read_page: Any) -> None:
    result = taught[1]
    card = read_json(result.model / "penjing.json")
    stages = [entry["stage"] for entry in card["lineage"]]
    assert stages.count("teacher") == 4
    assert stages.count("teach") == 2
    assert card["distill"]["generations"] == [2, 2]
    files = next(entry for entry in reversed(card["lineage"]) if entry["stage"] == "teach")["files"]
    assert ["model.safetensors", weights_of(result.artifacts, "teacher-2.1")] in files
    assert set(result.evaluation["teachers"]) == {"1", "2", "all"}
    assert result.evaluation["teachers"]["1"]["learned_rows"] == 0
    text = read_page(result.report.read_text(encoding="utf-8")).text
    assert "2 alone, 2 taught by those" in text
    assert text.count("Teachers, trained first") >= 1


def test_teachers_named_by_their_folders_are_not_said_to_be_trained_by_the_run(
    taught: tuple[Path, Any], small_recipe: Make, read_page: Any, tmp_path: Path
) -> None:
    folder, out = taught[0], tmp_path / "out"
    shutil.copytree(folder / "out", out)
    names = [taught[1].artifacts[f"teacher-2.{number}"].folder.name for number in (1, 2)]
    given = own(folder, small_recipe)
    given["finetune"]["distill"] = {"teacher": [str(out / "stages" / name / "model") for name in names]}
    given["finetune"]["distill"]["recombined"] = 1
    result = run(given, out)
    assert result.artifacts["finetune"].skipped  # it is the same model
    assert "generations" not in read_json(result.model / "penjing.json")["distill"]
    assert "taught by those" not in read_page(result.report.read_text(encoding="utf-8")).text


def test_a_teacher_has_the_same_content_whatever_comes_after_it(
    taught: tuple[Path, Any], small_recipe: Make, tmp_path: Path
) -> None:
    more = own(taught[0], small_recipe, generations=[2, 2, 1])
    longer = run(more, tmp_path / "out")
    for name in ("teacher-1.1", "teacher-2.2"):
        assert longer.artifacts[name].content == taught[1].artifacts[name].content
    assert longer.artifacts["teach-3.1"].record["key"] == taught[1].artifacts["teach"].record["key"]


@pytest.mark.parametrize("missing", ["teacher-1.1", "teacher-2.2", "teach-2.1"])
def test_plan_of_a_run_that_lacks_a_part_counts_that_part(
    taught: tuple[Path, Any], small_recipe: Make, tmp_path: Path, missing: str
) -> None:
    shutil.copytree(taught[0] / "out", tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "stages" / taught[1].artifacts[missing].folder.name)
    plan = make_plan(check_recipe(own(taught[0], small_recipe), "own"), tmp_path / "out", Silent())
    assert not next(stage for stage in plan.stages if stage.name == "teacher").is_done
    assert plan.seconds > 0


def test_an_own_seed_that_is_the_recipes_changes_nothing(small_recipe: Make, tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path)
    run({**recipe, "name": "own"}, tmp_path / "out")
    recipe["finetune"]["seed"] = 0
    assert run({**recipe, "name": "own"}, tmp_path / "out").artifacts["finetune"].skipped
    recipe["finetune"]["seed"] = 1
    other = run({**recipe, "name": "own"}, tmp_path / "out").artifacts
    assert (other["data"].skipped, other["finetune"].skipped) == (True, False)


@pytest.mark.parametrize("task", ["ordinal", "multilabel"])
def test_other_labels_are_taught_by_their_own_kind_too(task: str, label_kind_run: Any, tmp_path: Path) -> None:
    done = label_kind_run("multilabel" if task == "multilabel" else "stars")
    values = read_json(done.out / "recipe.json")["recipe"]
    values["finetune"] |= {"epochs": 1, "distill": {"generations": [1]}}
    result = run({**values, "name": "own"}, tmp_path / "out")
    assert len(result.artifacts["finetune"].facts["distill"]["teachers"]) == 1
    assert set(result.evaluation["teachers"]) == {"1"}


def test_plan_counts_what_is_missing_and_leaves_nothing(tmp_path: Path, small_recipe: Make) -> None:
    recipe, out = check_recipe(own(tmp_path, small_recipe), "own"), tmp_path / "out"
    plan = make_plan(recipe, out, Silent())
    before = {stage.name: stage for stage in plan.stages}
    assert before["teacher"].facts["models"] == 4
    assert before["teacher"].seconds > 0
    assert len(plan.facts("teach")["teachers"]) == 2
    assert not out.exists()
    run_recipe(recipe, out, Silent(), ["test"])
    after = make_plan(recipe, out, Silent())
    assert all(stage.is_done for stage in after.stages)


def test_removed_row_takes_teachers_with_it_and_they_are_trained_without_it(tmp_path: Path, small_recipe: Make) -> None:
    document, out = own(tmp_path, small_recipe), tmp_path / "out"
    first = run(document, out)
    before, texts = (
        weights_of(first.artifacts, "teacher-1.1"),
        read_split(first.artifacts["data"].folder, "train").texts,
    )
    removal = remove_texts(check_recipe(document, "own"), out, text_ids(texts[:1]), Silent())
    assert "finetune" in removal.waiting
    assert not [*(out / "stages").glob("teacher-*"), *(out / "stages").glob("teach-*")]
    second = run(document, out)
    assert len(read_split(second.artifacts["data"].folder, "train").texts) == len(texts) - 1
    assert weights_of(second.artifacts, "teacher-1.1") != before
    assert len(list((out / "stages").glob("teacher-*"))) == 4
    assert all(artifact.skipped for artifact in run(document, out).artifacts.values())


@pytest.mark.parametrize(
    ("distill", "said"),
    [
        ({"generations": [2], "teacher": "somewhere"}, "either teacher"),
        ({}, "either teacher"),
        ({"generations": []}, "either teacher"),
        ({"generations": [2, 0]}, "one model at least"),
        ({"generations": [51]}, "50 at most"),
        ({"generations": [20], "recipes": ["a", "b"]}, "make 60 models, and a run trains 50 at most"),
        ({"generations": [2], "recipes": ["a", "a"]}, "names one twice"),
    ],
)
def test_what_names_no_teachers_or_too_many_is_refused(distill: dict[str, Any], said: str) -> None:
    document = {"task": "sentiment", "data": {"path": "x.csv"}, "finetune": {"distill": distill}}
    with pytest.raises(RecipeError, match=said):
        check_recipe(document, "own")


def test_seeds_of_teachers_differ_from_each_other_and_by_the_models_seed() -> None:
    found = {member_seed(seed, generation, number) for seed in range(20) for generation in (1, 2) for number in (1, 2)}
    assert len(found) == 80


def test_killed_run_goes_on_with_the_teacher_that_it_was_training(tmp_path: Path, small_recipe: Make) -> None:
    document = own(tmp_path, small_recipe)
    document["finetune"] |= {"epochs": 12, "checkpoint_every_s": 0}
    (tmp_path / "own.toml").write_text(tomli_w.dumps(document), encoding="utf-8")
    command = [sys.executable, "-m", "penjing", "run", str(tmp_path / "own.toml"), "--out"]
    process = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stages, waited = tmp_path / "killed" / "stages", time.monotonic() + 120
    while len(list(stages.glob("teacher-*[0-9a-f]"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < waited
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    whole = run(document, tmp_path / "whole")
    killed = run(document, tmp_path / "killed")
    assert killed.artifacts["teacher-1.1"].skipped
    for name in ("teacher-2.2", "finetune"):
        assert weights_of(killed.artifacts, name) == weights_of(whole.artifacts, name)
