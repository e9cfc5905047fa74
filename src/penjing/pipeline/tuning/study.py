"""A search that is kept on disk: which trials there were, and which comes next. Only this file knows Optuna."""

from __future__ import annotations

import math
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from penjing.errors import MissingExtraError, UsageError
from penjing.hashing import hash_json
from penjing.pipeline.space import Range, Scalar, Space

if TYPE_CHECKING:
    import optuna

STUDY = "tune.sqlite3"
State = Literal["complete", "pruned", "failed", "waiting"]
_NAME = "penjing"
_DRAWN = 5  # trials that are drawn at random before the sampler learns from them
_BEFORE_PRUNING = 3  # trials that must be complete before one is ended early
_FIRST_PRUNED = 2  # evaluation: the first one says little
_SEEDS = 2**32
_ATTEMPTS = 3


class Pruned(Exception):  # noqa: N818 - not a fault: the trial is not worth going on with
    """A trial is ended early: at this evaluation, most others were better."""


@dataclass(frozen=True)
class Trial:
    """One set of settings, and what came of it.

    Attributes:
        number: counts from 1.
        state: ``complete``; ``pruned``: ended early; ``failed``; ``waiting``: begun, and not at its end.
        settings: by their dotted names.
        score: what trials are compared by; None unless complete.
        losses: the validation loss at each evaluation, by its number from 1.
        seconds: that it took.
        error: why it failed; empty otherwise.
    """

    number: int
    state: State
    settings: dict[str, Scalar]
    score: float | None
    losses: dict[int, float]
    seconds: float
    error: str = ""

    @property
    def best_loss(self) -> float:
        """The lowest validation loss."""
        return min(self.losses.values(), default=math.inf)


class Study:
    """The trials of a search, in a SQLite file: the process may be killed at any moment, and another goes on.

    Trials are chosen by a tree of Parzen estimators (Bergstra et al. 2011, NeurIPS 24), the first five at random; one
    is ended early if its best validation loss so far is above the median of the others' at the same evaluation (Golovin
    et al. 2017, section 3.2.1). The sampler of each trial has a seed of its own, from the recipe's and the trial's
    number: a search that was stopped makes the same trials as one that was not.

    Args:
        file: the SQLite file; made if missing.
        space: what is searched.
        question: all that decides what a trial means; a file with another one is refused.
        seed: of the sampler.
        is_higher_better: whether the best score is the highest.

    Raises:
        MissingExtraError: Optuna is not installed.
        UsageError: the file holds a search for something else, or is none.
    """

    def __init__(self, file: Path, space: Space, question: Any, seed: int, *, is_higher_better: bool) -> None:
        library = _import_optuna()
        self._space, self._seed, self._sign = space, seed, 1 if is_higher_better else -1
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _quiet():
                # the address alone would end at a "?" in the folder's name
                opening = {"creator": partial(sqlite3.connect, file.absolute(), check_same_thread=False)}
                storage = library.storages.RDBStorage("sqlite:///tune", engine_kwargs=opening)
                self._study = library.create_study(
                    storage=storage,
                    study_name=_NAME,
                    direction="maximize" if is_higher_better else "minimize",
                    pruner=library.pruners.MedianPruner(_BEFORE_PRUNING, _FIRST_PRUNED),
                    load_if_exists=True,
                )
        except Exception as error:
            if not _is_of_database(error):
                raise
            raise UsageError(
                "this file is no search, or is damaged", where=str(file), do="Remove it, or choose another --out."
            ) from error
        asked = hash_json(question)
        if self._study.user_attrs.setdefault("question", asked) != asked:
            raise UsageError(
                "this folder holds a search with another recipe, other data or other settings to try",
                where=str(file),
                do="Choose another --out, or remove the file to begin again.",
            )
        self._study.set_user_attr("question", asked)
        self._trial: optuna.Trial | None = None
        self._known: dict[int, float] = {}

    @property
    def trials(self) -> list[Trial]:
        """All trials that were begun, in order."""
        return [_ours(trial) for trial in self._study.get_trials(deepcopy=False)]

    @property
    def best(self) -> Trial | None:
        """The complete trial with the best score; of several the one with the lowest loss, then the earliest."""
        done = [trial for trial in self.trials if trial.score is not None]
        return max(done, key=lambda trial: (self._sign * (trial.score or 0), -trial.best_loss), default=None)

    def begin(self) -> Trial:
        """Returns the trial that was not brought to its end, or a new one.

        One that was begun three times and came no further has failed: it may be what kills the process.
        """
        trial = self._begin()
        assert self._trial is not None
        attempts = self._trial.user_attrs.get("attempts", 0) + 1
        if attempts > _ATTEMPTS:
            self.fail(f"begun {_ATTEMPTS} times, it came no further: the process was killed, perhaps for its memory")
            return self.begin()
        self._trial.set_user_attr("attempts", attempts)
        return trial

    def _begin(self) -> Trial:
        optuna = _import_optuna()
        begun = self._study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING])
        number = begun[0].number if begun else len(self._study.get_trials(deepcopy=False))
        self._study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=_DRAWN, seed=int(hash_json([self._seed, number]), 16) % _SEEDS
        )
        with _quiet():
            trial = optuna.Trial(self._study, begun[0]._trial_id) if begun else self._study.ask()
            for key, values in self._space.items():
                _suggest(trial, key, values)
        self._trial, self._known = trial, dict(begun[0].intermediate_values) if begun else {}
        return _ours(self._study.get_trials(deepcopy=False)[number])

    def report(self, evaluation: int, loss: float) -> None:
        """Takes a validation loss of the trial that was begun.

        Raises:
            Pruned: it is not worth going on.
        """
        assert self._trial is not None
        if evaluation not in self._known:
            self._trial.report(self._sign * -loss, evaluation)
            self._trial.set_user_attr("attempts", 0)
            self._known[evaluation] = loss
        if evaluation >= max(self._known) and self._trial.should_prune():
            raise Pruned

    def spend(self, seconds: float) -> None:
        """Adds to the time that the trial that was begun has taken."""
        assert self._trial is not None
        spent = self._trial.user_attrs.get("seconds", 0.0)
        self._trial.set_user_attr("seconds", round(spent + seconds, 2))

    def pause(self) -> None:
        """Puts the trial that was begun aside, to go on with it."""
        assert self._trial is not None
        self._trial.set_user_attr("attempts", 0)

    def complete(self, score: float) -> None:
        """Ends the trial that was begun, with its score."""
        self._study.tell(self._trial, score)

    def prune(self) -> None:
        """Ends it early."""
        self._study.tell(self._trial, state=_import_optuna().trial.TrialState.PRUNED)

    def fail(self, error: str) -> None:
        """Ends it, saying why it failed."""
        assert self._trial is not None
        self._trial.set_user_attr("error", error)
        self._study.tell(self._trial, state=_import_optuna().trial.TrialState.FAIL)

    def importances(self) -> dict[str, float]:
        """Returns the share of the scores' variance that each setting explains, the largest first.

        By a forest's functional analysis of variance (Hutter et al. 2014, ICML), over complete trials; empty where
        there are fewer than four, or all have the same score.
        """
        optuna = _import_optuna()
        scores = [trial.score for trial in self.trials if trial.score is not None]
        if len(scores) < 4 or len(set(scores)) < 2:
            return {}
        with _quiet():
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self._seed)
            found = optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {name: float(share) for name, share in found.items()}


def _ours(trial: Any) -> Trial:
    states: Mapping[str, State] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    state = states.get(trial.state.name, "waiting")
    return Trial(
        trial.number + 1,
        state,
        dict(trial.params),
        trial.value if state == "complete" else None,
        {step: abs(loss) for step, loss in trial.intermediate_values.items()},
        trial.user_attrs.get("seconds", 0.0),
        trial.user_attrs.get("error", ""),
    )


def _suggest(trial: optuna.Trial, key: str, values: Range | tuple[Scalar, ...]) -> None:
    """Lets the sampler choose a value; one that was chosen before stays."""
    if not isinstance(values, Range):
        trial.suggest_categorical(key, values)
    elif isinstance(values.low, int) and isinstance(values.high, int):
        trial.suggest_int(key, values.low, values.high, log=values.log)
    else:
        trial.suggest_float(key, values.low, values.high, log=values.log)


def _import_optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("optuna", "tune", "Searching settings") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _is_of_database(error: Exception) -> bool:
    return type(error).__module__.startswith(("sqlalchemy", "sqlite3", "optuna", "alembic"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Optuna's remarks on its own plans from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
