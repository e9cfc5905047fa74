"""A recipe of events becomes a model that ranks items, scored beside its baselines, new items too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penjing
from penjing.data.histories import read_questions
from penjing.errors import ModelFolderError, RecipeError, UsageError
from penjing.files import read_json, write_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.notes import note_stage
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_as

Recipes = Callable[..., dict[str, Any]]


def test_a_model_learns_what_comes_next_and_says_how_well(event_run: RunResult) -> None:
    found = event_run.evaluation
    for score in found["scores"].values():
        assert score["low"] <= score["value"] <= score["high"]
    assert set(found["baselines"]) == {"popular", "item-knn", "last-text"}
    assert found["difference"]["popular"]["ndcg_10"]["low"] > 0
    assert sum(band["rows"] for band in found["bands"].values()) == found["rows"] == 120
    assert len(found["examples"]) == 3


def test_ids_in_order_are_learned_where_they_decide(event_run_of: Callable[[str], RunResult]) -> None:
    found = event_run_of("sasrec").evaluation
    for name in found["baselines"]:  # all three know the color, none the order
        assert found["difference"][name]["ndcg_10"]["low"] > 0


def test_items_kept_out_of_training_are_ranked_by_their_texts(event_run: RunResult) -> None:
    cold = event_run.evaluation["cold"]
    data = event_run.artifacts["data"].facts["cold"]
    assert (cold["items"], cold["rows"]) == (data["items"], data["questions"])
    assert set(cold["baselines"]) == {"popular", "last-text", "popular-hindsight"}
    assert cold["scores"]["mrr"]["value"] > cold["baselines"]["popular"]["scores"]["mrr"]["value"]


def test_the_scores_are_those_of_what_the_folder_answers(event_run: RunResult) -> None:
    model: Any = penjing.load(event_run.model, "cpu")
    asked = read_questions(event_run.artifacts["data"].folder, "test")
    ids = model.catalog.ids
    answers = model.predict([[ids[number - 1] for number in history] for history in asked.histories], top=10)
    hits = [
        ids[target - 1] in {item.id for item in answer.items}
        for answer, target in zip(answers, asked.targets, strict=True)
    ]
    assert np.mean(hits) == pytest.approx(event_run.evaluation["scores"]["hit_rate_10"]["value"], abs=0.01)


def test_no_answer_holds_what_the_user_had(event_run: RunResult) -> None:
    model: Any = penjing.load(event_run.model, "cpu")
    (answer,) = model.predict([model.catalog.ids[:4]], top=1000)
    assert len(answer.items) == len(model.catalog.ids) - 4
    assert not {item.id for item in answer.items} & set(model.catalog.ids[:4])
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)


def test_an_item_may_be_named_by_its_text_and_another_text_is_a_new_item(event_run: RunResult) -> None:
    model: Any = penjing.load(event_run.model, "cpu")
    by_id, by_text, new = model.predict([[model.catalog.ids[0]], [model.catalog.texts[0]], ["green thing 77"]])
    assert by_id.items == by_text.items
    assert by_text.new == ()
    assert new.new == ("green thing 77",)
    assert new.items[0].text.startswith("green")


def test_a_longer_history_than_is_read_counts_what_is_not(event_run: RunResult) -> None:
    model: Any = penjing.load(event_run.model, "cpu")
    ids = model.catalog.ids
    long, short = model.predict([ids[:8], ids[3:8]])
    assert (long.cut_items, short.cut_items) == (3, 0)
    shown = [item.id for item in short.items if item.id not in ids[:8]]
    assert [item.id for item in long.items][: len(shown)] == shown  # the first three are left out, and not read


def test_tables_are_answered_in_their_kind(event_run: RunResult) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    model: Any = penjing.load(event_run.model, "cpu")
    histories = [model.catalog.ids[:2], model.catalog.ids[5:6]]
    expected = [[item.id for item in answer.items] for answer in model.predict(histories)]
    for kind in (pandas, polars):
        answered = model.predict(kind.DataFrame({"items": histories}))
        assert isinstance(answered, kind.DataFrame)
        assert [list(row) for row in answered["ranked"].to_list()] == expected
        answered = model.predict(kind.Series(histories))
        assert [list(row) for row in answered["ranked"].to_list()] == expected
        for cell in ("r1", None):  # a text is no list of its letters
            with pytest.raises(UsageError, match=r"row 1: .* is no history"):
                model.predict(kind.DataFrame({"items": [cell]}))
    as_arrays = pandas.DataFrame({"items": [np.array(history) for history in histories]})
    assert [list(row) for row in model.predict(as_arrays)["ranked"]] == expected


@pytest.mark.parametrize(
    ("rows", "word"),
    [("r1", "cannot read a str"), (["r1"], "no history"), ([[]], "is empty"), ([["r1", None]], "no item")],
)
def test_what_is_no_history_is_refused(event_run: RunResult, rows: Any, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        penjing.load(event_run.model, "cpu").predict(rows)


@pytest.mark.parametrize(("language", "words"), [
    ("en", ("recommendation", "Popular and rare items", "New items", "most popular", "NDCG@10", "thing")),
    ("zh", ("推荐", "热门与冷门物品", "新物品", "最热门", "命中率@10", "thing")),
])  # fmt: skip
def test_the_report_shows_scores_bands_and_new_items(
    event_recipe: Recipes, tmp_path: Path, read_page: Callable[[str], Any], language: str, words: tuple[str, ...]
) -> None:
    recipe = event_recipe(tmp_path)
    recipe["finetune"] |= {"epochs": 1}
    recipe["report"] |= {"language": language}
    result = run_recipe(check_recipe(recipe, "things"), tmp_path / "out", Silent(), ["test"])
    page = read_page(result.report.read_text(encoding="utf-8"))
    for word in words:
        assert word in page.text


def test_training_counts_items_and_not_tokens(event_run: RunResult) -> None:
    facts = event_run.artifacts["finetune"].facts
    notes = {language: note_stage("finetune", facts, language) for language in ("en", "zh")}
    assert notes["en"] == f"{facts['tokens']:,} items in {facts['steps']:,} steps"
    assert "物品" in notes["zh"]
    assert "词元" not in notes["zh"]


def test_a_finished_run_is_not_run_again(event_recipe: Recipes, tmp_path: Path) -> None:
    recipe = event_recipe(tmp_path)
    recipe["finetune"] |= {"epochs": 1}
    first = run_recipe(check_recipe(recipe, "things"), tmp_path / "out", Silent(), ["test"])
    again = run_recipe(check_recipe(recipe, "things"), tmp_path / "out", Silent(), ["test"])
    assert all(artifact.skipped for artifact in again.artifacts.values())
    assert first.evaluation == again.evaluation


def test_a_plan_counts_what_is_left_out_and_not_read(event_recipe: Recipes, tmp_path: Path) -> None:
    recipe = event_recipe(tmp_path)
    with (tmp_path / "events.csv").open("a", encoding="utf-8") as file:
        file.write("\nu1,nothing,9\nu2,r1,90\nu2,r1,91")
    recipe["data"] |= {"unknown_items": "drop"}
    plan = make_plan(check_recipe(recipe, "things"), tmp_path / "out", Silent())
    assert plan.facts("data")["left_out"]["unknown_items"] == 1
    assert plan.facts("data")["left_out"]["repeats"] > 0
    assert plan.facts("examples")["splits"]["test"]["cut_items"] > 0
    assert plan.facts("finetune")["parameters"] > 0
    assert plan.seconds > 0


def refused(recipe: dict[str, Any], *words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        check_runnable(check_recipe(recipe, "things.toml"))
    for word in words:
        assert word in str(caught.value)


def test_what_does_not_fit_is_refused_before_anything_is_read(event_recipe: Recipes, tmp_path: Path) -> None:
    recipe = event_recipe(tmp_path)
    refused({**recipe, "model": {"family": "llama"}}, "ranks items, and llama cannot", "sasrec")
    refused({**recipe, "render": {"max_items": 513}}, "max_items is 513", "512 positions")
    refused({**recipe, "explain": {}}, "[explain]", "ranks items")
    refused({**recipe, "model": {"start": "somewhere"}}, "text_encoder")
    refused({**recipe, "finetune": {"lora": {}}}, "[finetune] lora is for the tasks answer")
    refused({**recipe, "model": {"family": "sasrec", "shape": {"num_items": 3}}}, "num_items", "the items decide")
    refused({**recipe, "model": {"family": "sasrec", "text_encoder": "no/where"}}, "no such folder", "text_encoder")
    refused({**recipe, "data": {**recipe["data"], "text": "title"}}, "names no column")
    labels = {"data": {"path": "reviews.csv"}, "model": {"family": "sasrec"}}
    refused(labels, "labels texts, and sasrec ranks items")


def test_a_model_that_ranks_is_not_taken_for_one_that_labels(event_run: RunResult) -> None:
    with pytest.raises(UsageError, match="whose answers are items"):
        load_as(LabelModel, event_run.model, "cpu")


def test_a_folder_with_other_items_is_refused(event_run: RunResult, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(event_run.model, folder)
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {**config, "num_items": config["num_items"] - 1})
    with pytest.raises(ModelFolderError, match="items"):
        penjing.load(folder, "cpu")
    (folder / "items.parquet").write_bytes(b"nothing")
    with pytest.raises(ModelFolderError, match=r"items\.parquet: the file is broken"):
        penjing.load(folder, "cpu")
    (folder / "items.parquet").unlink()
    with pytest.raises(ModelFolderError, match=r"items\.parquet: the file is missing"):
        penjing.load(folder, "cpu")
