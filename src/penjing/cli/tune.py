"""``penjing tune``: the search for settings, and what it found."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from penjing.cli.output import log_console, print_json, result_console
from penjing.cli.progress import TerminalProgress
from penjing.cli.tables import score_table
from penjing.pipeline.report.strings import check_language

if TYPE_CHECKING:
    from penjing.pipeline.run import RunResult
    from penjing.pipeline.tuning.search import Found

_TRIALS = 20
_SHOWN = 10
PAGE = "tune.html"


@dataclass(frozen=True)
class TuneCall:
    """What the command was told.

    Attributes:
        recipe: a file, or the name of a recipe that ships with Penjing.
        trials: how many are made; None: by the minutes, or 20.
        minutes: that they may take.
        out: the folder of the search.
        overrides: settings of the recipe.
        language: of the pages; None: the report's.
    """

    recipe: Path
    trials: int | None
    minutes: float | None
    out: Path | None
    overrides: list[str]
    language: str | None


@dataclass(frozen=True)
class Tuned:
    """What came of it.

    Attributes:
        found: the trials.
        result: of the one run of the best.
        recipe: the recipe of the best.
        page: about the search.
        seconds: that this call took.
    """

    found: Found
    result: RunResult
    recipe: Path
    page: Path
    seconds: float


def run_search(call: TuneCall, *, as_json: bool) -> None:
    """Searches, runs the best, and shows what came of it."""
    tuned = _search(call)
    print_json(_document(tuned)) if as_json else _show(tuned)


def _search(call: TuneCall) -> Tuned:
    from penjing.pipeline.local_data import use_local_data
    from penjing.pipeline.recipe_file import load_recipe

    asked = [*call.overrides, *([f"report.language={call.language}"] if call.language is not None else [])]
    progress, began = TerminalProgress(log_console()), time.perf_counter()
    written = load_recipe(call.recipe, asked)
    recipe = use_local_data(written, progress)
    out = call.out or Path("runs") / f"{recipe.name}-tune"
    trials = _TRIALS if call.trials is None and call.minutes is None else call.trials
    with progress.stopping_on_signals():
        from penjing.pipeline.report.tuning import write_tuning
        from penjing.pipeline.tuning.search import Limits, run_best, search, write_best

        found = search(recipe, out, Limits(trials, call.minutes), progress)
        path, page = write_best(written, found, out), out / PAGE
        result = run_best(recipe, found, out, progress, ["penjing", *sys.argv[1:]])
    write_tuning(found, result.evaluation, recipe.name, page, check_language(recipe.report.language))
    return Tuned(found, result, path, page, time.perf_counter() - began)


def _document(tuned: Tuned) -> dict[str, Any]:
    found, result = tuned.found, tuned.result
    return {
        "measure": found.measure,
        "counts": count_states(found),
        "best": {"number": found.best.number, "score": found.best.score, "settings": found.best.settings},
        "importances": found.importances,
        "trials": [asdict(trial) for trial in found.trials],
        "trial_seconds": round(found.seconds, 1),
        "recipe": str(tuned.recipe),
        "page": str(tuned.page),
        "model": str(result.model),
        "report": str(result.report),
        "seconds": round(tuned.seconds, 1),
        "scores": result.evaluation["scores"],
        "baselines": {name: scores["scores"] for name, scores in result.evaluation["baselines"].items()},
    }


def count_states(found: Found) -> dict[str, int]:
    """Returns how many trials ended how."""
    states = [trial.state for trial in found.trials]
    return {state: states.count(state) for state in ("complete", "pruned", "failed", "waiting")}


def _show(tuned: Tuned) -> None:
    from penjing.pipeline.report.tuning import ranked, say_counts, setting_cell
    from penjing.pipeline.report.wording import Wording

    console, found, wording = result_console(), tuned.found, Wording("en")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("trial", justify="right")
    table.add_column(wording.name("tune_measure", found.measure), justify="right")
    for key in found.space:
        table.add_column(key.rpartition(".")[2], justify="right")
    for trial in ranked(found)[:_SHOWN]:
        score = "–" if trial.score is None else f"{trial.score:.4f}"
        table.add_row(str(trial.number), score, *(setting_cell(trial, key) for key in found.space))
    console.print(table)
    console.print(f"\n{say_counts(found, wording)}", soft_wrap=True)
    if found.importances:
        shares = ", ".join(f"{key} {share:.0%}" for key, share in found.importances.items())
        console.print(f"{wording.say('tune_importance')}: {shares}", soft_wrap=True)
    console.print(f"{wording.say('tune_once')}\n", soft_wrap=True)
    console.print(score_table(tuned.result.evaluation))
    console.print(
        f"\nRecipe  {tuned.recipe}\nSearch  {tuned.page}\nModel   {tuned.result.model}\nReport  {tuned.result.report}\n"
        f"Time    {tuned.seconds:,.0f} s",
        soft_wrap=True,
    )
