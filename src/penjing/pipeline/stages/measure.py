"""Measures the language model that pretraining left, beside baselines, on texts that it did not learn from."""

from __future__ import annotations

from typing import Any

import numpy as np

from penjing.data.reading import iter_texts
from penjing.evaluate.language import evaluate_language_baselines, evaluate_language_model
from penjing.files import write_json
from penjing.inference.language_model import MeasurableModel, load_language_model
from penjing.inference.learned import Learned
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.stage import Stage, StageContext

MEASURES = "measures.json"
SQUARED_TOKENS = 4_000_000  # a model that reads both sides reads a text once for each of its tokens


def _run(context: StageContext) -> dict[str, Any]:
    pretrain = context.recipe.pretrain
    assert pretrain is not None
    seed, resamples = context.recipe.seed, context.recipe.evaluate.resamples
    corpus = context.inputs["corpus"]
    learned = Learned(pretrain.objective, pretrain.window_tokens)
    model = load_language_model(context.inputs["pretrain"] / "model", learned, context.recipe.device)
    texts = [text for batch in iter_texts(corpus / "test.parquet") for text in batch]
    chosen = affordable_texts(model, texts, SQUARED_TOKENS)
    measured = evaluate_language_model(model, chosen, resamples=resamples, seed=seed, progress=context.progress)
    baselines, differences = evaluate_language_baselines(
        model,
        measured,
        iter_texts(corpus / "texts.parquet"),
        chosen,
        resamples=resamples,
        seed=seed,
        progress=context.progress,
    )
    document = {
        **measured.to_dict(),
        "left_out_documents": len(texts) - len(chosen),
        "baselines": baselines,
        "differences": differences,
    }
    write_json(context.folder / MEASURES, document)
    return {"rows": document["documents"], "scores": document["scores"]}


def affordable_texts(model: MeasurableModel, texts: list[str], squared_tokens: int) -> list[str]:
    """Returns the texts that are measured: all, but of a model that reads both sides the first few, at least one.

    Args:
        model: measures them.
        texts: all there are.
        squared_tokens: the most that the squares of the chosen texts' tokens may add up to.
    """
    if not model.scorer.reads_both_sides:
        return texts
    squares = np.cumsum([len(ids) ** 2 for ids in model.render(texts)])
    return texts[: max(1, int(np.searchsorted(squares, squared_tokens, side="right")))]


def _is_wanted(recipe: Recipe) -> bool:
    return not has_data(recipe)


MEASURE = Stage(
    "measure",
    inputs=("corpus", "pretrain"),
    settings=lambda recipe: [recipe.seed, recipe.evaluate.resamples],
    run=_run,
    is_wanted=_is_wanted,
    version=3,
)
