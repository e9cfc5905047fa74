"""Runs a recipe: every stage whose inputs or settings have changed, then the model and the report at the top."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.files import folder_beside, read_json, remove_leftovers, write_json
from penjing.hashing import hash_file
from penjing.pipeline.check import check_out, check_runnable
from penjing.pipeline.facts import Outcome, collect_facts
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.report.report import write_report
from penjing.pipeline.stage import RECORD, Artifact
from penjing.pipeline.stages import STAGES
from penjing.pipeline.stages.evaluate import EVALUATION
from penjing.pipeline.store import Store, locked
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.card import CARD
from penjing.tasks.model import load_model
from penjing.tasks.task import ClassPrediction


@dataclass(frozen=True)
class RunResult:
    """What a run left.

    Attributes:
        out: its folder.
        model: the model folder.
        report: the report.
        evaluation: scores, baselines and mistakes on the test rows.
        predictions: the model's answers to the recipe's examples.
        artifacts: the stages, by name.
    """

    out: Path
    model: Path
    report: Path
    evaluation: dict[str, Any]
    predictions: list[ClassPrediction]
    artifacts: dict[str, Artifact]


def run_recipe(recipe: Recipe, out: Path, progress: Progress, command: list[str]) -> RunResult:
    """Runs what is not done yet, and publishes ``model/``, ``report.html`` and ``lineage.json`` in ``out``.

    Args:
        recipe: what to run.
        out: the folder of the run; an interrupted run in it goes on.
        progress: told how far the work is.
        command: what makes the run again, for the report.

    Raises:
        PenjingError: a stage failed; those before it are kept.
    """
    check_runnable(recipe)
    check_out(out)
    with locked(out):
        remove_leftovers(out)
        done = complete_stages(recipe, out, progress)
        evaluation = read_json(done["evaluate"].folder / EVALUATION)
        lineage = [_entry(artifact) for artifact in done.values()]
        model = out / "model"
        _publish_model(done["finetune"].folder / "model", model, lineage, evaluation)
        write_json(out / RECORD, lineage)
        predictions = load_model(model).predict_texts(recipe.report.examples) if recipe.report.examples else []
        report = out / "report.html"
        outcome = Outcome(done, evaluation, predictions, shlex.join(command))
        write_report(collect_facts(recipe, outcome), report, language=recipe.report.language)
    return RunResult(out, model, report, evaluation, predictions, done)


def complete_stages(recipe: Recipe, out: Path, progress: Progress) -> dict[str, Artifact]:
    """Returns the artifacts of all stages that the recipe wants, doing what is not done yet."""
    store = Store(out, recipe)
    done: dict[str, Artifact] = {}
    wanted = [stage for stage in STAGES if stage.is_wanted(recipe)]
    for number, stage in enumerate(wanted, start=1):
        stop_if_asked(progress)
        artifact = store.complete(stage, done, progress)
        done[stage.name] = artifact
        state = "unchanged" if artifact.skipped else f"{artifact.record['seconds']:,.1f} s"
        progress.say(f"{number}/{len(wanted)} {stage.name}: {state}")
    return done


def _entry(artifact: Artifact) -> dict[str, Any]:
    kept = ("stage", "key", "content", "version", "settings", "files", "inputs", "penjing", "finished")
    return {key: artifact.record[key] for key in kept}


def _publish_model(source: Path, model: Path, lineage: list[dict[str, Any]], evaluation: dict[str, Any]) -> None:
    """Puts the model with its lineage and scores at the top of the run, unless it is there already."""
    card = {
        **read_json(source / CARD),
        "weights": hash_file(source / "model.safetensors"),
        "scores": evaluation["scores"],
        "baselines": {name: scores["scores"] for name, scores in evaluation["baselines"].items()},
        "lineage": lineage,
    }
    if (model / CARD).is_file() and read_json(model / CARD) == card:
        return
    with folder_beside(model) as beside:
        for file in source.iterdir():
            if file.name != CARD:
                shutil.copy2(file, beside / file.name)
        write_json(beside / CARD, card)
