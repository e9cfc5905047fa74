"""A model that finds answers can be told which tokens of a text the question has too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import penjing
from penjing.data.questions import read_questions
from penjing.errors import RecipeError, UsageError
from penjing.files import read_json, write_json
from penjing.metrics.answers import rate_answers
from penjing.models.weights import read_config
from penjing.pipeline.check import check_runnable
from penjing.pipeline.exporting.exporting import ExportCall, export_model
from penjing.pipeline.exporting.source import open_source
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.pipeline.stages.finetune import prepare_finetuning
from penjing.progress import Silent
from penjing.train.question_batches import QuestionBatches

Recipes = Callable[..., dict[str, Any]]
QUESTION, TEXT = "how many 3?", "film 3 plot many 3 seven scene"


def run(recipe: dict[str, Any], out: Path) -> RunResult:
    return run_recipe(check_recipe(recipe, recipe["name"]), out, Silent(), ["test"])


def with_marks(recipe: dict[str, Any], longest: int) -> dict[str, Any]:
    return {**recipe, "render": {**recipe["render"], "mark_matches": longest}}


@pytest.fixture(scope="module")
def marked(question_recipe: Recipes, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run with marks for runs of one and of two tokens or more; nobody may change it."""
    folder = tmp_path_factory.mktemp("marked")
    recipe = with_marks(question_recipe(folder), 2)
    recipe["finetune"]["epochs"] = 20
    return run(recipe, folder / "out")


def test_the_folder_answers_as_the_run_measured(marked: RunResult) -> None:
    assert read_json(marked.model / "penjing.json")["render"]["mark_matches"] == 2
    assert read_config(marked.model)["type_vocab_size"] == 4
    assert marked.evaluation["scores"]["f1"]["value"] > 0.9
    model: Any = penjing.load(marked.model, "cpu")
    test = read_questions(marked.artifacts["data"].folder, "test")
    predictions = model.predict([{"question": item.question, "context": item.text} for item in test])
    rated = rate_answers([item.answer for item in predictions], [item.answers for item in test])
    assert rated.mean(axis=0)[0] == pytest.approx(marked.evaluation["scores"]["f1"]["value"])


def test_training_and_its_measuring_are_told_of_matches(marked: RunResult) -> None:
    recipe = check_recipe(read_json(marked.out / "recipe.json")["recipe"], "questions")
    inputs = {name: marked.artifacts[name].folder for name in ("data", "tokenizer", "examples")}
    _, _, job = prepare_finetuning(recipe, inputs)
    for batches in (job.batches, job.validation):
        assert isinstance(batches, QuestionBatches)
        types = [batches.load(rows).token_types for rows in batches.plan(0)]
        assert max(int(found.max()) for found in types if found is not None) > 1


def test_transformers_gives_the_same_logits_for_the_same_types(marked: RunResult) -> None:
    transformers = pytest.importorskip("transformers")
    model: Any = penjing.load(marked.model, "cpu")
    theirs = transformers.AutoModelForQuestionAnswering.from_pretrained(marked.model).eval()
    (window,) = model.renderer.render([{"question": QUESTION, "text": TEXT}])[0].windows
    types = [int(place >= window.text_start) for place in range(len(window.ids))]
    shared = dict(zip(TEXT.split(), range(window.text_start, len(window.ids)), strict=False))
    assert len(window.ids) - window.text_start == len(TEXT.split()) + 1  # each word is a token
    first, last = shared["many"], shared["many"] + 1
    types[first] = types[last] = 3  # "many 3" stands in both
    types[window.text_start + 1] = 2  # "3" alone
    with torch.no_grad():
        expected = theirs(torch.tensor([window.ids]), token_type_ids=torch.tensor([types]))
    (ours,) = model.extractor.score([window], Silent())
    assert np.allclose(ours[:, 0], expected.start_logits[0].numpy(), atol=1e-5)
    assert np.allclose(ours[:, 1], expected.end_logits[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("tool", ["transformers", "onnx"])
def test_other_tools_which_find_no_matches_get_no_model_that_is_told_them(
    marked: RunResult, tool: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as refused:
        export_model(open_source(marked.model), ExportCall(tool, tmp_path / tool), Silent())
    assert refused.value.do.startswith("Serve it with Penjing")
    assert not (tmp_path / tool).exists()


def test_a_start_without_marks_gets_types_for_them_and_one_with_marks_keeps_its_own(
    question_run: RunResult, marked: RunResult, question_recipe: Recipes, tmp_path: Path
) -> None:
    recipe = question_recipe(tmp_path)
    recipe["finetune"] |= {"epochs": 0.1, "learning_rate": 1e-6}
    for start, longest, types in ((question_run.model, 3, 5), (marked.model, 2, 4)):
        changed = {**with_marks(recipe, longest), "model": {"start": str(start)}}
        model = run(changed, tmp_path / f"out-{types}-{longest}").model
        assert read_config(model)["type_vocab_size"] == types


@pytest.mark.parametrize("longest", [0, 1])
def test_a_start_goes_on_being_told_of_matches(
    marked: RunResult, question_recipe: Recipes, tmp_path: Path, longest: int
) -> None:
    recipe = {**with_marks(question_recipe(tmp_path), longest), "model": {"start": str(marked.model)}}
    with pytest.raises(RecipeError, match=rf"learned with mark_matches = 2, and \[render\] has {longest}"):
        check_runnable(check_recipe(recipe, "questions"))
    check_runnable(check_recipe(with_marks(recipe, 3), "questions"))


def test_a_language_model_is_a_start(question_run: RunResult, question_recipe: Recipes, tmp_path: Path) -> None:
    start = tmp_path / "start"
    shutil.copytree(question_run.model, start)
    write_json(start / "penjing.json", {"objective": "masked"})
    check_runnable(check_recipe({**question_recipe(tmp_path), "model": {"start": str(start)}}, "questions"))


def test_a_shape_has_room_for_what_is_marked(question_recipe: Recipes, tmp_path: Path) -> None:
    recipe = with_marks(question_recipe(tmp_path), 2)
    shape = recipe["model"].get("shape", {})
    recipe["finetune"] |= {"epochs": 0.1}
    for types in (4, 6):
        recipe["model"] = {**recipe["model"], "shape": {**shape, "type_vocab_size": types}}
        assert read_config(run(recipe, tmp_path / f"out-{types}").model)["type_vocab_size"] == types
    recipe["model"] = {**recipe["model"], "shape": {**shape, "type_vocab_size": 3}}
    with pytest.raises(RecipeError, match="needs 4 types of segment, and shape has type_vocab_size = 3"):
        check_runnable(check_recipe(recipe, "questions"))


def test_adapters_need_a_start_that_has_the_types(
    question_run: RunResult, marked: RunResult, question_recipe: Recipes, tmp_path: Path
) -> None:
    recipe = with_marks(question_recipe(tmp_path), 2)
    recipe["finetune"] |= {"epochs": 0.2, "lora": {"rank": 2}}
    recipe["model"] = {"start": str(question_run.model)}
    with pytest.raises(RecipeError, match="no types of segment for the tokens that mark_matches marks"):
        check_runnable(check_recipe(recipe, "questions"))
    check_runnable(check_recipe({**recipe, "model": {"start": str(marked.model)}}, "questions"))


def test_a_teacher_has_learned_with_the_same_marks(marked: RunResult, question_recipe: Recipes, tmp_path: Path) -> None:
    recipe = question_recipe(tmp_path)
    recipe["tokenizer"] = {"start": str(marked.model)}
    recipe["finetune"] |= {"epochs": 0.2, "distill": {"teacher": str(marked.model)}}
    with pytest.raises(RecipeError, match=r"learned with mark_matches = 2, and \[render\] has 0"):
        check_runnable(check_recipe(recipe, "questions"))
    check_runnable(check_recipe(with_marks(recipe, 2), "questions"))


def test_models_from_before_there_were_marks_keep_their_fingerprint(question_recipe: Recipes, tmp_path: Path) -> None:
    render = check_recipe(question_recipe(tmp_path), "questions").render
    assert "mark_matches" not in render.model_dump(mode="json")
