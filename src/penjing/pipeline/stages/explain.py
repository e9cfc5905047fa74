"""Explanation: which words the answers on the test rows rest on, and how far each method can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from penjing.data.reading import read_split
from penjing.explain.explaining import compare_methods, explain_text, fitting_methods
from penjing.files import read_json, write_json
from penjing.pipeline.recipe import ExplainSettings
from penjing.pipeline.stage import TIMES, Stage, StageContext
from penjing.pipeline.stages.evaluate import EVALUATION
from penjing.progress import stop_if_asked
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_as
from penjing.text.spans import find_words

EXPLANATIONS = "explanations.json"


def _run(context: StageContext) -> dict[str, Any]:
    settings, seed = _settings(context), context.recipe.seed
    model = load_as(LabelModel, context.inputs["finetune"] / "model", context.recipe.device)
    texts, labels = read_split(context.inputs["data"], "test")
    order = [row for row in np.random.default_rng(seed).permutation(len(texts)) if find_words(texts[row])]
    shown = [(texts[row], labels[row]) for row in order[: settings.examples]]
    known = {text for text, _ in shown}
    mistakes = read_json(context.inputs["evaluate"] / EVALUATION)["mistakes"]
    shown += [(item["text"], item["truth"]) for item in mistakes if item["text"] not in known][: settings.mistakes]
    methods = fitting_methods(model.engine.network)
    with context.progress.bar("explain", len(methods) + 1, "methods") as bar:
        examples = [
            {**explain_text(model, text, settings.method, None).to_dict(), "truth": truth} for text, truth in shown
        ]
        bar.advance(1)
        measured: dict[str, Any] = {}
        measuring = [texts[row] for row in order[: settings.texts]]
        for name in methods:
            stop_if_asked(context.progress)
            measured |= compare_methods(model, measuring, [name], seed=seed)["methods"]
            bar.advance(1)
    seconds = {name: figures.pop("seconds") for name, figures in measured.items()}
    faithfulness = {"texts": len(measuring), "methods": measured}
    write_json(context.folder / TIMES, seconds)
    write_json(context.folder / EXPLANATIONS, {"examples": examples, "faithfulness": faithfulness})
    return {"method": settings.method, "texts": len(measuring), "faithfulness": measured}


def _settings(context: StageContext) -> ExplainSettings:
    assert context.recipe.explain is not None
    return context.recipe.explain


def read_explanations(folder: Path) -> dict[str, Any]:
    """Returns what the stage wrote: ``examples`` and ``faithfulness``, each method with its ``seconds`` a text."""
    found: dict[str, Any] = read_json(folder / EXPLANATIONS)
    for name, seconds in read_json(folder / TIMES).items():
        found["faithfulness"]["methods"][name]["seconds"] = seconds
    return found


EXPLAIN = Stage(
    "explain",
    inputs=("data", "finetune", "evaluate"),
    settings=lambda recipe: [recipe.seed, recipe.explain and recipe.explain.model_dump(mode="json")],
    run=_run,
    is_wanted=lambda recipe: recipe.explain is not None,
    version=2,
)
