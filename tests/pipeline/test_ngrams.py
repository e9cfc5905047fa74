"""N-grams beside a classifier's network, along the whole path."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penjing
from penjing.errors import ModelFolderError, RecipeError, UsageError
from penjing.files import read_json
from penjing.pipeline.check import check_runnable
from penjing.pipeline.exporting.source import open_source
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import run_recipe
from penjing.pipeline.stages.finetune import FINETUNE
from penjing.progress import Silent
from penjing.tasks.quickening import quicken
from penjing.text.ngrams import NGRAMS

TEXTS = ["a lovely film", "dull and slow", "画面 精彩", "unheard of"]


def recipe(small_recipe: Callable[..., dict[str, Any]], folder: Path, family: str = "lstm") -> dict[str, Any]:
    document = small_recipe(folder, family)
    document["finetune"] |= {"epochs": 1, "ngrams": 2}
    return document


@pytest.fixture(scope="module", params=["lstm", "bert"])
def run(request: Any, small_recipe: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ngrams")
    document = recipe(small_recipe, folder, request.param)
    return run_recipe(check_recipe(document, "r"), folder / "out", Silent(), ["test"])


def test_every_door_answers_with_both(run: Any) -> None:
    model, card = penjing.load(run.model), read_json(run.model / "penjing.json")
    share = card["ngrams"]["share"]
    ids = [row.ids for row in model.renderer.render([{"text": text} for text in TEXTS])]
    network, ngrams = model.alone.engine.score(ids), model.engine.table.score(ids)
    both = (1 - share) * network + share * ngrams
    np.testing.assert_allclose(model.score_texts(TEXTS)[0], both, atol=1e-9)
    np.testing.assert_allclose(quicken(model).score_texts(TEXTS)[0], both, atol=1e-4)
    chances = np.exp(both[:, 1]) / np.exp(both).sum(axis=1)
    given = [answer.probabilities[model.labels[1]] for answer in model.predict(TEXTS)]
    np.testing.assert_allclose(given, chances, atol=1e-6)


def test_scores_of_the_network_alone_stand_beside_those_of_both(run: Any) -> None:
    assert run.evaluation["alone"]["scores"]["accuracy"]["value"] <= run.evaluation["scores"]["accuracy"]["value"]
    assert run.evaluation["alone"]["scores"]["loss"]["value"] > run.evaluation["scores"]["loss"]["value"]
    report = run.report.read_text(encoding="utf-8")
    assert "The network alone" in report
    assert "n-grams of at most 2 tokens" in report


def test_explanation_adds_up_to_the_answer_of_both(run: Any) -> None:
    model = penjing.load(run.model)
    [found] = model.explain(["a lovely film with a dull plot"])
    assert found.completeness_error <= 0.03
    [alone] = model.alone.explain(["a lovely film with a dull plot"])
    words = {word.word: word.score - other.score for word, other in zip(found.words, alone.words, strict=True)}
    assert max(words, key=lambda word: abs(words[word])) in {"lovely", "dull"}  # what the n-grams know


def test_explanation_of_one_of_three_labels_adds_up_too(
    small_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    document = recipe(small_recipe, tmp_path) | {"task": "classify"}
    rows = [f"{word} {thing} {number},{word}" for number in range(20) for word in "abc" for thing in ("one", "two")]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    document["report"] = {}
    made = run_recipe(check_recipe(document, "r"), tmp_path / "out", Silent(), ["test"])
    for label in "abc":
        [found] = penjing.load(made.model).explain(["a one b two"], label=label)
        assert found.completeness_error <= 0.03


def test_same_recipe_makes_the_same_table(
    run: Any, small_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    family = read_json(run.model / "config.json")["model_type"].removeprefix("penjing-").removeprefix("penjing_")
    again = run_recipe(check_recipe(recipe(small_recipe, tmp_path, family), "r"), tmp_path / "out", Silent(), ["test"])
    hashes = [read_json(found.model / "penjing.json")["ngrams"]["hash"] for found in (run, again)]
    assert hashes[0] == hashes[1]


def test_another_table_is_refused_and_other_tools_are_not_given_half_a_model(run: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="n-grams beside its network"):
        open_source(run.model)
    shutil.copytree(run.model, tmp_path / "model")
    (tmp_path / "model" / NGRAMS).write_bytes(b"")
    with pytest.raises(ModelFolderError, match=NGRAMS):
        penjing.load(tmp_path / "model")


def test_plan_says_what_will_stand_beside(small_recipe: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    plan = make_plan(check_recipe(recipe(small_recipe, tmp_path), "r"), tmp_path / "out", Silent())
    assert plan.facts("finetune")["ngrams"] == {"length": 2}


def test_recipes_without_ngrams_keep_their_runs(small_recipe: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    document = small_recipe(tmp_path)
    said = json.dumps(FINETUNE.settings(check_recipe(document, "r")))
    assert "ngrams" not in said
    document["finetune"] |= {"ngrams": 2}
    assert "ngrams" in json.dumps(FINETUNE.settings(check_recipe(document, "r")))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"task": "stars"}, "labels without an order"),
        ({"task": "multilabel"}, "classify and sentiment"),
        ({"finetune": {"ngrams": 2, "head": {}}}, "ngrams has no sense with"),
        ({"finetune": {"ngrams": 4}}, "ngrams"),
        ({"data": {"split": {"train": 0.8, "validation": 0.0, "test": 0.2}}}, "no validation file"),
        ({"data": {"per_class": 4}}, "no validation file"),
    ],
)
def test_what_ngrams_cannot_stand_beside_is_refused(
    small_recipe: Callable[..., dict[str, Any]], tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    document = recipe(small_recipe, tmp_path)
    document |= {key: {**document[key], **value} if key == "data" else value for key, value in changed.items()}
    with pytest.raises(RecipeError, match=told):
        check_runnable(check_recipe(document, "r"))
