"""Searches the settings of a recipe by its validation rows, and runs the best once."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from penjing.data.engine import AUTOMATIC
from penjing.errors import DataError, Interrupted, MissingExtraError, TrainingError, UsageError
from penjing.files import remove_leftovers, remove_whole, write_text
from penjing.pipeline.check import check_choosable, check_measurable, check_out, check_runnable
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.removal import without_removed
from penjing.pipeline.run import TRAINING_STAGES, RunResult, complete_stages, run_recipe
from penjing.pipeline.space import Scalar, Space
from penjing.pipeline.stage import Artifact
from penjing.pipeline.stages import STAGES
from penjing.pipeline.stages.data import DATA
from penjing.pipeline.stages.finetune import PRACTICE, TEACHER
from penjing.pipeline.stages.teach import TEACH
from penjing.pipeline.store import hash_files, locked
from penjing.pipeline.tuning.space import document_of, learns_names, recipe_with, space_of
from penjing.pipeline.tuning.study import STUDY, Pruned, Study, Trial
from penjing.progress import Progress, Unheard
from penjing.tasks.task import load_task

BEST = "best.toml"
_TRAINING = "finetune"
_TRAINED = (_TRAINING, TEACHER.name, TEACH.name, PRACTICE.name)  # stages that hold weights, or what teachers said
_FAILURES = 5  # in a row, before any trial was complete: then it is the recipe


@dataclass(frozen=True)
class Limits:
    """When a search is over.

    Attributes:
        trials: how many are made; None: as many as there is time for.
        minutes: that they may take, over all calls; None: as long as it takes. The first complete trial is waited for.
    """

    trials: int | None
    minutes: float | None


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        measure: what trials are compared by: ``validation_accuracy`` or ``validation_loss``.
        space: what was searched.
        trials: all that were begun.
        best: the best of them.
        importances: the share of the scores' variance that each setting explains.
        seconds: that the trials took, over all calls.
    """

    measure: str
    space: Space
    trials: list[Trial]
    best: Trial
    importances: dict[str, float]
    seconds: float


def search(recipe: Recipe, out: Path, limits: Limits, progress: Progress) -> Found:
    """Makes trials until the limits are reached; one that was stopped goes on. No test row is read by a trial.

    What comes before the settings that differ is done once: trials share the stages of a run. Of trials, the weights of
    the best so far are kept.

    Args:
        recipe: what is varied; its ``[tune]`` says how.
        out: the folder of the search.
        limits: when it is over.
        progress: told how far it is.

    Raises:
        RecipeError: the recipe or its ``[tune]`` is wrong.
        TrainingError: trial after trial fails.
        Interrupted: the user asked to stop; the same call goes on.
    """
    space = space_of(recipe)
    check_runnable(turn_dial(recipe))
    check_measurable(recipe)
    check_choosable(recipe)
    check_out(out)
    with locked(out):
        remove_leftovers(out)
        remove_leftovers(out / "stages")
        recipe = without_removed(recipe, out)
        return _Search(recipe, out, space, limits, progress).run()


def write_best(recipe: Recipe, found: Found, out: Path) -> Path:
    """Writes the recipe of the best trial, and returns its path.

    Raises:
        MissingExtraError: what writes TOML is not installed.
    """
    best = recipe_with(recipe, found.best.settings)
    trials = f"the best of {len(found.trials)} trials" if len(found.trials) > 1 else "the only trial"
    said = f"# Found by penjing tune: trial {found.best.number}, {trials}; {found.measure} {found.best.score:.4f}.\n\n"
    path = out / BEST
    write_text(path, said + _import_toml().dumps(document_of(best)))
    return path


def run_best(recipe: Recipe, found: Found, out: Path, progress: Progress, command: list[str]) -> RunResult:
    """Runs the recipe of the best trial to the end: the one time that the test rows are measured."""
    return run_recipe(recipe_with(recipe, found.best.settings), out, progress, command)


class _Search:
    """One call of a search, in a folder that nobody else works in."""

    def __init__(self, recipe: Recipe, out: Path, space: Space, limits: Limits, progress: Progress) -> None:
        self._recipe, self._out, self._space, self._limits, self._progress = recipe, out, space, limits, progress
        answers_labels = load_task(task_of(recipe)).answers == "label" and not learns_names(recipe)
        self._measure = "validation_accuracy" if answers_labels else "validation_loss"
        data = complete_stages(turn_dial(recipe), out, progress, ("data",))["data"]
        document = {key: value for key, value in document_of(recipe).items() if key not in ("name", "report", "data")}
        shown = {key: values if isinstance(values, tuple) else values.model_dump() for key, values in space.items()}
        files = _other_files(turn_dial(recipe))
        question = [document, shown, data.content, self._measure, *([hash_files(files)] if files else [])]
        self._study = Study(out / STUDY, space, question, recipe.seed, is_higher_better=answers_labels)

    def run(self) -> Found:
        while not self._is_over():
            self._try()
        trials, best = self._study.trials, self._study.best
        if best is None:
            raise TrainingError(
                f"none of {len(trials)} trials came to its end; the last said: {trials[-1].error}",
                where=str(self._out),
                do="Correct the recipe, or search another space in another --out.",
            )
        return Found(self._measure, self._space, trials, best, self._study.importances(), self._seconds())

    def _is_over(self) -> bool:
        trials = self._study.trials
        ended = [trial for trial in trials if trial.state != "waiting"]
        if self._limits.trials is not None and len(ended) >= self._limits.trials:
            return True
        if self._study.best is None:
            return len(ended) >= _FAILURES and all(trial.state == "failed" for trial in ended[-_FAILURES:])
        return self._time_left() <= 0

    def _time_left(self) -> float:
        return math.inf if self._limits.minutes is None else 60 * self._limits.minutes - self._seconds()

    def _seconds(self) -> float:
        return sum(trial.seconds for trial in self._study.trials)

    def _try(self) -> None:
        """Makes one trial, or goes on with it."""
        trial = self._study.begin()
        self._progress.say(f"trial {trial.number}{self._of()}: {_show(trial.settings)}")
        deadline = math.inf if self._study.best is None else time.perf_counter() + self._time_left()
        watched = _TrialProgress(self._progress, self._study, deadline)
        failure = ""
        try:
            recipe = turn_dial(recipe_with(self._recipe, trial.settings))
            check_runnable(recipe)
            done = complete_stages(recipe, self._out, watched, TRAINING_STAGES, AUTOMATIC)
        except Pruned:
            watched.spend()
            self._study.prune()
        except Interrupted:
            watched.spend()
            self._study.pause()
            if self._progress.should_stop():
                raise
            self._progress.say(f"trial {trial.number}: time is up; it goes on if the same call gives more minutes")
            return
        except (TrainingError, DataError, UsageError, MemoryError) as error:
            watched.spend()
            self._study.fail(failure := str(error) or "the memory is used up")
        else:
            watched.spend()
            self._end(done)
        self._say(trial.number, failure)
        self._clear_weights()

    def _end(self, done: dict[str, Artifact]) -> None:
        figures = done[_TRAINING].facts["best"]
        score = figures.get(self._measure, math.nan)
        if math.isfinite(score):
            self._study.complete(score)
        else:
            self._study.fail(f"its {self._measure} is not a number")

    def _clear_weights(self) -> None:
        """Removes what trials have trained, but for the best one so far."""
        best, stages = self._study.best, self._out / "stages"
        for part in stages.glob("*.part"):
            remove_whole(part)
        if best is None:
            return
        recipe = turn_dial(recipe_with(self._recipe, best.settings))
        done = complete_stages(recipe, self._out, Unheard(self._progress), TRAINING_STAGES)
        kept = {artifact.folder for artifact in done.values()}
        for folder in (found for name in _TRAINED for found in stages.glob(f"{name}-*")):
            if folder not in kept:
                remove_whole(folder)

    def _of(self) -> str:
        return f"/{self._limits.trials}" if self._limits.trials is not None else ""

    def _say(self, number: int, failure: str) -> None:
        """Says what came of a trial, what is best so far, and about how long it will take."""
        trials, best = self._study.trials, self._study.best
        trial, ended = trials[number - 1], [each for each in trials if each.state != "waiting"]
        if trial.score is not None:
            came = f"{self._measure} {trial.score:.4f}"
        elif trial.state == "pruned":
            came = f"ended early, at evaluation {max(trial.losses)}"
        else:
            came = f"failed: {failure or trial.error}"
        so_far = f"; best {best.score:.4f} (trial {best.number})" if best is not None else ""
        each = self._seconds() / len(ended)
        left = math.inf if self._limits.trials is None else each * (self._limits.trials - len(ended))
        left = min(left, self._time_left())
        about = f"; about {_minutes(left)} left" if 0 < left < math.inf else ""
        self._progress.say(f"trial {number}{self._of()}: {came}, {trial.seconds:,.1f} s{so_far}{about}")


def _other_files(recipe: Recipe) -> list[Path]:
    """Returns the files beside those of the rows that decide what a trial learns: a corpus, a start, teachers."""
    names = {name for name in TRAINING_STAGES if name != DATA.name}
    stages = (stage for stage in STAGES if stage.name in names and stage.is_wanted(recipe))
    return list(dict.fromkeys(file for stage in stages for file in stage.files(recipe)))


class _TrialProgress(Unheard):
    """Watches a trial: its validation losses go to the study, which may end it; and time may run out."""

    def __init__(self, progress: Progress, study: Study, deadline: float) -> None:
        super().__init__(progress)
        self._study, self._deadline, self._since = study, deadline, time.perf_counter()

    def should_stop(self) -> bool:
        return self._inner.should_stop() or time.perf_counter() >= self._deadline

    def measured(self, name: str, evaluation: int, figures: Mapping[str, float]) -> None:
        self.spend()
        if name != _TRAINING:  # of a teacher, which no trial is compared by
            return
        loss = figures["validation_loss"]
        if not math.isfinite(loss):
            raise TrainingError("the validation loss is not a number", where=f"evaluation {evaluation}")
        self._study.report(evaluation, loss)

    def spend(self) -> None:
        """Writes down the time since it was asked last."""
        now = time.perf_counter()
        self._study.spend(now - self._since)
        self._since = now


def _import_toml() -> ModuleType:
    try:
        import tomli_w
    except ImportError as error:
        raise MissingExtraError("tomli-w", "tune", "Writing a recipe") from error
    return tomli_w


def _show(settings: Mapping[str, Scalar]) -> str:
    return ", ".join(
        f"{key} = {value:.3g}" if isinstance(value, float) else f"{key} = {value}" for key, value in settings.items()
    )


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
