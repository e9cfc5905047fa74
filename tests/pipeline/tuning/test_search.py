from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file

from penjing.errors import Interrupted, RecipeError, TrainingError, UsageError
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import check_recipe, load_recipe
from penjing.pipeline.report.strings import Language
from penjing.pipeline.report.tuning import write_tuning
from penjing.pipeline.run import RunResult
from penjing.pipeline.tuning.search import Found, Limits, run_best, search, write_best
from penjing.pipeline.tuning.space import recipe_with
from penjing.progress import Silent

pytest.importorskip("optuna", reason="Optuna is not installed")
SPACE = {"finetune.learning_rate": {"low": 1e-3, "high": 3e-2, "log": True}, "render.max_tokens": [8, 10]}
TRIALS = 6


class Asked(Silent):
    """Asks to stop at an evaluation, counted over all trials."""

    def __init__(self, evaluations: float = math.inf) -> None:
        self._left, self.said = evaluations, list[str]()

    def measured(self, name: str, evaluation: int, figures: Mapping[str, float]) -> None:
        self._left -= 1

    def say(self, text: str) -> None:
        self.said.append(text)
        self._left -= text.startswith("trial") and "=" in text

    def should_stop(self) -> bool:
        return self._left < 0


def make(folder: Path, small_recipe: Any, tune: Any = SPACE, **finetune: Any) -> Recipe:
    folder.mkdir(parents=True, exist_ok=True)
    values = small_recipe(folder)
    values["finetune"] |= {"compile": "off", **finetune}
    return check_recipe({**values, "tune": tune}, "small")


def scores(found: Found) -> list[Any]:
    return [(t.number, t.state, t.settings, t.score, t.losses) for t in found.trials]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, small_recipe: Any) -> tuple[Recipe, Path, Found, RunResult]:
    """A search and the run of its best; nobody may change it."""
    folder = tmp_path_factory.mktemp("search")
    recipe, progress = make(folder, small_recipe), Asked()
    found = search(recipe, folder / "out", Limits(TRIALS, None), progress)
    assert not list((folder / "out" / "stages").glob("evaluate-*"))
    assert sum("validation_accuracy" in line or "ended early" in line for line in progress.said) == TRIALS
    return recipe, folder / "out", found, run_best(recipe, found, folder / "out", Silent(), ["test"])


def test_search_makes_its_trials_and_shares_what_comes_before(searched: Any) -> None:
    _, out, found, result = searched
    assert len(found.trials) == TRIALS
    complete = [trial for trial in found.trials if trial.score is not None]
    assert found.best.score == max(trial.score for trial in complete)
    assert all(len(trial.losses) == 2 for trial in complete)
    stages = [path.name.partition("-")[0] for path in (out / "stages").iterdir()]
    counted = {name: stages.count(name) for name in set(stages)}
    assert counted == {"data": 1, "tokenizer": 1, "examples": 2, "finetune": 1, "evaluate": 1}
    assert result.artifacts["finetune"].skipped  # the best trial's weights are the model
    assert result.artifacts["finetune"].facts["best"]["validation_accuracy"] == found.best.score


def test_of_trials_that_train_teachers_those_of_the_best_are_kept(tmp_path: Path, small_recipe: Any) -> None:
    space = {"finetune.learning_rate": [1e-3, 1e-2, 3e-2]}
    recipe = make(tmp_path, small_recipe, space, distill={"generations": [2], "recombined": 1})
    found, stages = search(recipe, tmp_path / "out", Limits(3, None), Silent()), tmp_path / "out" / "stages"
    assert (len(list(stages.glob("teacher-*"))), len(list(stages.glob("finetune-*")))) == (2, 1)
    result = run_best(recipe, found, tmp_path / "out", Silent(), ["test"])
    assert all(result.artifacts[name].skipped for name in ("teacher-1.1", "teacher-1.2", "teach", "finetune"))


def test_search_killed_while_weights_are_removed_takes_none_for_finished(
    searched: Any, tmp_path: Path, small_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out, removed = make(tmp_path, small_recipe), tmp_path / "out", list[Path]()
    remove = shutil.rmtree

    def remove_model(folder: Path, **options: Any) -> None:
        if not (folder / "model").is_dir() or folder.name.endswith(".part"):
            remove(folder, **options)
        else:
            remove(folder / "model")
            removed.append(folder)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", remove_model)
        with pytest.raises(KeyboardInterrupt):
            search(recipe, out, Limits(TRIALS, None), Silent())
    assert removed
    assert all((record.parent / "model").is_dir() for record in out.glob("stages/finetune-*/lineage.json"))
    assert scores(search(recipe, out, Limits(TRIALS, None), Silent())) == scores(searched[2])


def test_search_from_another_start_is_refused(searched: Any, tmp_path: Path, small_recipe: Any) -> None:
    start, out = tmp_path / "start", tmp_path / "out"
    shutil.copytree(searched[3].model, start)
    values = small_recipe(tmp_path)
    del values["tokenizer"]
    values |= {"model": {"start": str(start)}, "tune": {"finetune.learning_rate": [1e-3, 1e-2]}}
    recipe = check_recipe(values, "small")
    found = search(recipe, out, Limits(1, None), Silent())
    weights = start / "model.safetensors"
    before = weights.read_bytes()
    save_file({name: tensor + 1 for name, tensor in load_file(weights).items()}, weights)
    with pytest.raises(UsageError, match="other data"):
        search(recipe, out, Limits(1, None), Silent())
    weights.write_bytes(before)
    assert scores(search(recipe, out, Limits(1, None), Silent())) == scores(found)


def test_test_rows_decide_nothing_before_the_end(searched: Any, tmp_path: Path, small_recipe: Any) -> None:
    recipe, out = make(tmp_path, small_recipe), tmp_path / "out"
    search(recipe, out, Limits(1, None), Silent())
    (rows,) = out.glob("stages/data-*/test.parquet")
    table = pq.read_table(rows)
    turned = {"negative": "positive", "positive": "negative"}
    labels = pa.array([turned[label] for label in table["label"].to_pylist()])
    altered = table.set_column(0, "text", pa.array(["words of another kind"] * len(table))).set_column(
        1, "label", labels
    )
    pq.write_table(altered, rows)
    for shard in out.glob("stages/examples-*/test/*"):
        shard.write_bytes(b"spoiled")  # no trial opens it
    found = search(recipe, out, Limits(TRIALS, None), Silent())
    assert scores(found) == scores(searched[2])  # and the seed decides all
    result = run_best(recipe, found, out, Silent(), ["test"])
    assert result.evaluation["scores"] != searched[3].evaluation["scores"]


def test_search_that_was_stopped_makes_the_same_trials(searched: Any, tmp_path: Path, small_recipe: Any) -> None:
    recipe, out = make(tmp_path, small_recipe), tmp_path / "out"
    with pytest.raises(Interrupted):
        search(recipe, out, Limits(TRIALS, None), Asked(2))
    assert scores(search(recipe, out, Limits(TRIALS, None), Silent())) == scores(searched[2])


def test_best_recipe_is_written_and_is_what_was_run(searched: Any, tmp_path: Path) -> None:
    recipe, _, found, result = searched
    path = write_best(recipe, found, tmp_path)
    assert path.read_text(encoding="utf-8").startswith(f"# Found by penjing tune: trial {found.best.number}, the best")
    best = load_recipe(path)
    assert best == recipe_with(recipe, found.best.settings)
    assert best.tune is None
    assert result.evaluation["rows"] == 12


def test_trial_that_fails_is_counted_and_the_search_goes_on(tmp_path: Path, small_recipe: Any) -> None:
    recipe = make(tmp_path, small_recipe, {"finetune.learning_rate": [1e-2, 1e30]}, epochs=2)
    found = search(recipe, tmp_path / "out", Limits(5, None), Silent())
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert 0 < len(failed) < 5
    assert all(trial.settings["finetune.learning_rate"] == 1e30 for trial in failed)
    assert "is not a number" in failed[0].error
    assert found.best.settings == {"finetune.learning_rate": 1e-2}
    assert not list((tmp_path / "out" / "stages").glob("*.part"))


def test_search_in_which_all_fail_is_ended(tmp_path: Path, small_recipe: Any) -> None:
    recipe = make(tmp_path, small_recipe, {"finetune.learning_rate": [1e29, 1e30]}, epochs=2)
    with pytest.raises(TrainingError, match=r"none of 5 trials came to its end; the last said: .*not a number"):
        search(recipe, tmp_path / "out", Limits(None, None), Silent())


def test_trials_of_a_recipe_with_names_are_compared_by_the_loss(tmp_path: Path, small_recipe: Any) -> None:
    values = small_recipe(tmp_path, "llama")
    values |= {"tokenizer": {"kind": "bpe", "vocab_size": 400}, "render": {"max_tokens": 64}}
    values["names"] = {"template": "{text} It was {label}"}
    values["finetune"] |= {"epochs": 0.2}
    recipe = check_recipe({**values, "tune": {"finetune.learning_rate": [1e-3, 3e-3]}}, "names")
    found = search(recipe, tmp_path / "out", Limits(2, None), Silent())
    assert found.measure == "validation_loss"
    assert found.best.score == min(trial.score for trial in found.trials if trial.score is not None)


def test_first_trial_is_waited_for_and_no_other_where_there_is_no_time(tmp_path: Path, small_recipe: Any) -> None:
    recipe = make(tmp_path, small_recipe, epochs=1)
    found = search(recipe, tmp_path / "out", Limits(None, 1e-4), Silent())
    assert [trial.state for trial in found.trials] == ["complete"]
    with pytest.raises(UsageError, match="holds a search with another recipe"):
        search(make(tmp_path, small_recipe, epochs=2), tmp_path / "out", Limits(1, None), Silent())


def test_tasks_that_write_are_compared_by_loss(tmp_path: Path, pair_recipe: Any) -> None:
    values = pair_recipe(tmp_path)
    values["finetune"] |= {"epochs": 1, "compile": "off"}
    recipe = check_recipe({**values, "tune": {"finetune.learning_rate": [1e-5, 3e-3]}}, "numbers")
    found = search(recipe, tmp_path / "out", Limits(3, None), Silent())
    assert found.measure == "validation_loss"
    losses = [trial.score for trial in found.trials if trial.score is not None]
    assert found.best.score == min(losses)
    assert found.best.score == found.best.best_loss


def test_rows_of_which_none_is_for_validation_are_refused(tmp_path: Path, small_recipe: Any) -> None:
    values = small_recipe(tmp_path)
    values["data"]["split"] = {"train": 0.9, "validation": 0, "test": 0.1}
    recipe = check_recipe({**values, "tune": SPACE}, "small")
    with pytest.raises(RecipeError, match="there is no validation file"):
        search(recipe, tmp_path / "out", Limits(1, None), Silent())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_shows_every_trial_and_says_that_the_test_was_measured_once(
    searched: Any, tmp_path: Path, read_page: Any, language: Language
) -> None:
    recipe, _, found, result = searched
    write_tuning(found, result.evaluation, recipe.name, tmp_path / "tune.html", language)
    page = read_page((tmp_path / "tune.html").read_text(encoding="utf-8"))
    assert {"en": "measured once", "zh": "测量了一次"}[language] in page.text
    dots = [each for each in page.attributes("circle") if each["class"] != "dot lost"]
    complete = sum(trial.score is not None for trial in found.trials)
    assert len(dots) == complete + 1 + len(found.space) * complete  # in the history the best is drawn twice
    assert len(page.attributes("tr")) == len(result.evaluation["scores"]) + len(found.importances) + 1 + TRIALS
    assert all("nan" not in value for _, attributes in page.tags for value in attributes.values())
