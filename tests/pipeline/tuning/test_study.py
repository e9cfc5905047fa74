from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from penjing.errors import MissingExtraError, UsageError
from penjing.pipeline.space import Range, Space
from penjing.pipeline.tuning.study import Pruned, Study

pytest.importorskip("optuna", reason="Optuna is not installed")
SPACE: Space = {
    "rate": Range(low=1e-4, high=1e-1, log=True),
    "rows": (16, 32),
    "layers": Range(low=1, high=4),
    "flag": (True, False),
}


def study(folder: Path, *, question: Any = "q", seed: int = 0, higher: bool = True) -> Study:
    return Study(folder / "tune.sqlite3", SPACE, question, seed, is_higher_better=higher)


def work(made: Study, trials: int) -> None:
    """Makes trials whose score is decided by their settings."""
    for _ in range(trials):
        trial = made.begin()
        made.spend(1.5)
        made.complete(1 - abs(float(trial.settings["rate"]) - 0.01))


def test_settings_are_of_the_space_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    one, two, other = (study(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    for each in (one, two, other):
        work(each, 8)
    assert one.trials == two.trials
    assert [t.settings for t in one.trials] != [t.settings for t in other.trials]
    for trial in one.trials:
        assert 1e-4 <= float(trial.settings["rate"]) <= 1e-1
        assert trial.settings["rows"] in (16, 32)
        assert trial.settings["layers"] in (1, 2, 3, 4)
        assert trial.settings["flag"] in (True, False)
        assert trial.seconds == 1.5
    assert len({t.settings["rate"] for t in one.trials}) == 8


def test_study_that_was_left_goes_on_with_the_same_trials(tmp_path: Path) -> None:
    whole = study(tmp_path / "whole")
    work(whole, 8)
    parts = tmp_path / "parts"
    work(study(parts), 3)
    left = study(parts).begin()  # its process is killed here
    assert study(parts).trials[-1].state == "waiting"
    again = study(parts)
    assert again.begin() == left
    again.spend(1.5)
    again.complete(1 - abs(float(left.settings["rate"]) - 0.01))
    work(study(parts), 4)
    assert study(parts).trials == whole.trials


@pytest.mark.parametrize("higher", [True, False])
def test_trial_worse_than_most_is_ended_early(tmp_path: Path, higher: bool) -> None:
    made = study(tmp_path, higher=higher)
    for number in range(3):
        made.begin()
        for evaluation in (1, 2, 3):
            made.report(evaluation, 0.5 - 0.1 * evaluation + 0.01 * number)
        made.complete(0.8)
    made.begin()
    made.report(1, 5.0)  # the first evaluation says little
    with pytest.raises(Pruned):
        made.report(2, 4.0)
    made.prune()
    trial = made.trials[-1]
    assert (trial.state, trial.losses, trial.score) == ("pruned", {1: 5.0, 2: 4.0}, None)
    made.begin()
    for evaluation in (1, 2, 3):
        made.report(evaluation, 0.1)
    made.complete(0.9)


def test_losses_that_come_again_change_nothing(tmp_path: Path) -> None:
    made = study(tmp_path)
    made.begin()
    made.report(1, 0.5)
    made.report(2, 0.4)
    again = study(tmp_path)
    again.begin()
    again.report(1, 0.7)
    assert again.trials[0].losses == {1: 0.5, 2: 0.4}


def test_trial_that_comes_no_further_is_given_up(tmp_path: Path) -> None:
    begun = [study(tmp_path).begin().number for _ in range(2)]
    made = study(tmp_path)
    begun.append(made.begin().number)
    made.report(1, 0.5)  # it came further, so it may be killed three times more
    begun += [study(tmp_path).begin().number for _ in range(4)]
    assert begun == [1, 1, 1, 1, 1, 1, 2]
    assert [trial.state for trial in made.trials] == ["failed", "waiting"]
    assert "it came no further" in made.trials[0].error


def test_best_is_by_score_then_loss_then_age(tmp_path: Path) -> None:
    made = study(tmp_path)
    assert made.best is None
    for score, loss in ((0.7, 0.1), (0.8, 0.5), (0.8, 0.4), (0.8, 0.4)):
        made.begin()
        made.report(1, loss)
        made.complete(score)
    made.begin()
    made.fail("the loss is not a number")
    assert made.best is not None
    assert made.best.number == 3
    assert [t.state for t in made.trials] == ["complete"] * 4 + ["failed"]
    assert made.trials[-1].error == "the loss is not a number"
    low = study(tmp_path / "low", higher=False)
    for score in (0.3, 0.2, 0.4):
        low.begin()
        low.complete(score)
    assert low.best is not None
    assert low.best.number == 2


def test_importances_find_the_setting_that_decides(tmp_path: Path) -> None:
    made = study(tmp_path)
    work(made, 3)
    assert made.importances() == {}
    work(made, 9)
    shares = made.importances()
    assert next(iter(shares)) == "rate"
    assert sum(shares.values()) == pytest.approx(1)


def test_another_question_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    study(tmp_path)
    with pytest.raises(UsageError, match="holds a search with another recipe"):
        study(tmp_path, question="other")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "tune.sqlite3").write_bytes(b"no database, but long enough to be looked at" * 50)
    with pytest.raises(UsageError, match="this file is no search, or is damaged"):
        study(tmp_path / "bad")


def test_absent_optuna_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"penjing\[tune\]"):
        study(tmp_path)


@pytest.mark.parametrize("name", ["what? now", "50% #1", "a=b&c", "盆景 'q' \"w\""])
def test_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    work(study(tmp_path / name), 2)
    assert (tmp_path / name / "tune.sqlite3").is_file()
    assert len(study(tmp_path / name).trials) == 2
