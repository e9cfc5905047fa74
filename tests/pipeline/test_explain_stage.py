"""The stage that explains: what it writes rests on the test rows and on the model that the run keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import penjing
from penjing.data.reading import read_split
from penjing.errors import RecipeError
from penjing.hashing import hash_folder
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.stage import TIMES, StageContext
from penjing.pipeline.stages.explain import EXPLAIN, read_explanations
from penjing.progress import Silent


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory, small_recipe: Any) -> Any:
    folder = tmp_path_factory.mktemp("explained")
    recipe = small_recipe(folder, "bert") | {"explain": {"examples": 2, "mistakes": 1, "texts": 5}}
    return run_recipe(check_recipe(recipe, "small"), folder / "out", Silent(), ["test"])


def _stage(result: Any, name: str) -> Path:
    folder: Path = result.artifacts[name].folder
    return folder


def test_shown_texts_are_test_rows_with_their_true_labels(explained: Any) -> None:
    texts, labels = read_split(_stage(explained, "data"), "test")
    truth = dict(zip(texts, labels, strict=True))
    examples = read_explanations(_stage(explained, "explain"))["examples"]
    assert 2 <= len(examples) <= 3
    assert all(truth[item["text"]] == item["truth"] for item in examples)


def test_every_method_that_fits_is_measured_on_the_same_texts(explained: Any) -> None:
    faithfulness = read_explanations(_stage(explained, "explain"))["faithfulness"]
    assert faithfulness["texts"] == 5
    assert set(faithfulness["methods"]) == {"integrated_gradients", "occlusion", "attention_rollout", "random"}


def test_content_is_the_same_whatever_time_it_took(explained: Any, tmp_path: Path, small_recipe: Any) -> None:
    stage = explained.artifacts["explain"]
    inputs = {name: explained.artifacts[name].folder for name in EXPLAIN.inputs}
    recipe = check_recipe(small_recipe(tmp_path, "bert") | {"explain": {"examples": 2, "mistakes": 1, "texts": 5}}, "")
    again = tmp_path / "again"
    again.mkdir()
    EXPLAIN.run(StageContext(recipe, again, inputs, Silent()))
    assert (stage.folder / TIMES).read_text() != (again / TIMES).read_text()
    assert stage.content == hash_folder(again, leave_out=frozenset({TIMES}))


def test_what_is_shown_is_what_the_kept_model_says(explained: Any) -> None:
    model = penjing.load(explained.model, device="cpu")
    for item in read_explanations(_stage(explained, "explain"))["examples"]:
        again = model.explain(item["text"], method=item["method"])
        assert again.label == item["label"]
        assert [word.score for word in again.words] == pytest.approx([word["score"] for word in item["words"]])


def test_report_shows_the_words_and_the_methods(explained: Any) -> None:
    page = explained.report.read_text(encoding="utf-8")
    words = read_explanations(_stage(explained, "explain"))["examples"][0]["words"]
    assert all(word["word"] in page for word in words)
    assert "occlusion" in page.lower()


def test_method_that_does_not_fit_the_family_is_refused_before_anything_runs(tmp_path: Path, small_recipe: Any) -> None:
    recipe = small_recipe(tmp_path, "lstm") | {"explain": {"method": "attention_rollout"}}
    with pytest.raises(RecipeError, match="attention_rollout"):
        run_recipe(check_recipe(recipe, "small"), tmp_path / "out", Silent(), ["test"])
    assert not list((tmp_path / "out" / "stages").glob("finetune-*"))


def test_no_text_is_explained_twice(tmp_path: Path, small_recipe: Any) -> None:
    recipe = small_recipe(tmp_path, "lstm") | {"explain": {"examples": 1000, "mistakes": 5, "texts": 2}}
    recipe["finetune"] = {**recipe.get("finetune", {}), "epochs": 0.1}  # so that it errs, on rows already shown
    result = run_recipe(check_recipe(recipe, "small"), tmp_path / "out", Silent(), ["test"])
    assert result.evaluation["mistakes"]
    texts, _ = read_split(_stage(result, "data"), "test")
    shown = [item["text"] for item in read_explanations(_stage(result, "explain"))["examples"]]
    assert sorted(shown) == sorted(texts)
