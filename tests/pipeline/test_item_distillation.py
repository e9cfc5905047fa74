"""A model that ranks items learns from another how probable it finds each as the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from penjing.errors import RecipeError
from penjing.files import read_json
from penjing.hashing import hash_file
from penjing.inference.ranking import KnownRanker
from penjing.pipeline.check import check_runnable
from penjing.pipeline.plan import make_plan
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent
from penjing.tasks.item_model import ItemModel
from penjing.tasks.loading import load_as

Make = Callable[..., dict[str, Any]]


def run(recipe: dict[str, Any], out: Path) -> RunResult:
    return run_recipe(check_recipe(recipe, recipe["name"]), out, Silent(), ["test"])


def student(event_recipe: Make, teacher: RunResult, **distill: Any) -> dict[str, Any]:
    """Returns the recipe of a narrower model of the same events."""
    recipe = event_recipe(teacher.out.parent)  # whose events are there already
    recipe["model"] = {**recipe["model"], "shape": {**recipe["model"]["shape"], "hidden_size": 16}}
    return {**recipe, "finetune": {**recipe["finetune"], "distill": {"teacher": str(teacher.model), **distill}}}


@pytest.fixture(scope="module", params=["sasrec", "two_tower"])
def taught(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    event_recipe: Make,
    event_run_of: Callable[[str], RunResult],
) -> tuple[RunResult, RunResult]:
    """A teacher of a family, and its student; nobody may change them."""
    teacher = event_run_of(request.param)
    return teacher, run(student(event_recipe, teacher), tmp_path_factory.mktemp("taught") / "out")


def test_teacher_stands_in_card_lineage_evaluation_and_report(
    taught: tuple[RunResult, RunResult], read_page: Any
) -> None:
    teacher, own = taught
    card = read_json(own.model / "penjing.json")
    entry = next(entry for entry in card["lineage"] if entry["stage"] == "finetune")
    assert ["model.safetensors", hash_file(teacher.model / "model.safetensors")] in entry["files"]
    assert card["distill"]["teachers"][0]["parameters"] == teacher.artifacts["finetune"].facts["parameters"]
    found = own.evaluation["teachers"]["1"]
    assert found["scores"] == teacher.evaluation["scores"]
    assert set(own.evaluation["baselines"]) == set(teacher.evaluation["baselines"])
    text = read_page(own.report.read_text(encoding="utf-8")).text
    assert text.count("Teacher 1") >= 2
    assert "events and teacher together" in text


def test_known_vectors_score_as_the_network_does(taught: tuple[RunResult, RunResult]) -> None:
    network = load_as(ItemModel, taught[0].model, "cpu").engine
    ids = torch.randint(1, len(network.vectors), (3, 5), generator=torch.Generator().manual_seed(0))
    known, ranker = KnownRanker(network), network.network
    assert isinstance(ranker.encode, Callable)  # type: ignore[arg-type]
    with torch.no_grad():
        expected = ranker.score(ranker.encode(ids))  # type: ignore[operator]
        found = torch.nn.functional.linear(*known.output_layer(known.encode(ids)))
    torch.testing.assert_close(found, expected)


def test_whole_weight_comes_nearer_to_the_teacher_than_none(
    event_recipe: Make, event_run_of: Callable[[str], RunResult], tmp_path: Path
) -> None:
    teacher = event_run_of("sasrec")
    alone = student(event_recipe, teacher)
    del alone["finetune"]["distill"]
    given = student(event_recipe, teacher, weight=1.0)
    for recipe in (alone, given):
        recipe["finetune"]["epochs"] = 15  # after five it is chance which is nearer
    models = [
        load_as(ItemModel, run(recipe, tmp_path / name).model, "cpu")
        for name, recipe in (("alone", alone), ("taught", given))
    ]
    histories = [np.array([1, 2, 3]), np.array([7, 4]), np.array([10, 11, 12, 13])]
    wanted = _probabilities(load_as(ItemModel, teacher.model, "cpu").rank(histories))
    apart = [(wanted * np.log(wanted / _probabilities(model.rank(histories)))).sum() for model in models]
    assert apart[1] < apart[0] / 2


def test_events_that_a_teacher_learned_from_are_counted(
    event_recipe: Make, event_run_of: Callable[[str], RunResult], tmp_path: Path
) -> None:
    teacher = event_run_of("sasrec")
    own = run(student(event_recipe, teacher), tmp_path / "own")
    assert own.evaluation["teachers"]["1"]["learned_rows"] == 0
    recipe = student(event_recipe, teacher)
    lines = Path(recipe["data"]["path"]).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.endswith((",5", ",6"))]  # what is last here the teacher learned from
    (tmp_path / "events.csv").write_text("\n".join(kept), encoding="utf-8")
    recipe["data"] = {**recipe["data"], "path": str(tmp_path / "events.csv")}
    shorter = run(recipe, tmp_path / "out")
    assert shorter.evaluation["teachers"]["1"]["learned_rows"] > 0


def test_plan_says_who_teaches(event_recipe: Make, event_run_of: Callable[[str], RunResult], tmp_path: Path) -> None:
    teacher = event_run_of("sasrec")
    plan = make_plan(check_recipe(student(event_recipe, teacher), "things"), tmp_path / "out", Silent())
    assert plan.facts("finetune")["distill"]["teachers"][0]["family"] == "sasrec"
    assert not (tmp_path / "out").exists()


def test_what_cannot_teach_or_be_taught_is_refused(
    event_recipe: Make, event_run_of: Callable[[str], RunResult], small_bert_run: Any, tmp_path: Path
) -> None:
    teacher = event_run_of("sasrec")
    recipe = student(event_recipe, teacher)
    tower = {**recipe, "model": {**recipe["model"], "family": "two_tower"}}
    longer = {**recipe, "render": {"max_items": 4000}}
    labels = student(event_recipe, small_bert_run)
    labels["data"] = recipe["data"]
    for refused, said in (
        (tower, "among the items of each batch"),
        (longer, "positions"),
        (labels, "it is for the task sentiment"),
    ):
        with pytest.raises(RecipeError, match=said):
            check_runnable(check_recipe(refused, "things"))
    other = {**recipe, "seed": 5}  # draws other items as new ones
    with pytest.raises(RecipeError, match="the very same, in the same order"):
        run(other, tmp_path / "out")


def _probabilities(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]
