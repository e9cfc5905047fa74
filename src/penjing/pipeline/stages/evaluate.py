"""Evaluation: the model and the baselines on the test rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penjing.data.reading import read_split
from penjing.evaluate.evaluation import LabelledTexts, evaluate_baselines, evaluate_model
from penjing.files import write_json
from penjing.pipeline.recipe import has_data
from penjing.pipeline.stage import Stage, StageContext
from penjing.progress import stop_if_asked
from penjing.tasks.model import load_model

EVALUATION = "evaluation.json"


def _run(context: StageContext) -> dict[str, Any]:
    settings, seed = context.recipe.evaluate, context.recipe.seed
    model = load_model(context.inputs["finetune"] / "model", context.recipe.device)
    splits = {split: _read(context.inputs["data"], split) for split in ("train", "validation", "test")}
    with context.progress.bar("evaluate", 2, "models") as bar:
        measured = evaluate_model(
            model, splits["test"], resamples=settings.resamples, mistakes=settings.mistakes, seed=seed
        )
        bar.advance(1)
        stop_if_asked(context.progress)
        baselines, differences = evaluate_baselines(
            model,
            splits["train"],
            splits["validation"],
            splits["test"],
            measured.pop("correct"),
            resamples=settings.resamples,
            seed=seed,
        )
        bar.advance(1)
    write_json(context.folder / EVALUATION, {**measured, "baselines": baselines, "difference": differences})
    return {
        "rows": measured["rows"],
        "scores": measured["scores"],
        "baselines": {name: scores["scores"] for name, scores in baselines.items()},
    }


def _read(data: Path, split: str) -> LabelledTexts:
    return LabelledTexts(*read_split(data, split))


EVALUATE = Stage(
    "evaluate",
    inputs=("data", "finetune"),
    settings=lambda recipe: [recipe.seed, recipe.evaluate.model_dump(mode="json")],
    run=_run,
    is_wanted=has_data,
)
