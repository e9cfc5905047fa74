"""The tokenizer: trained on the corpus and the training rows, or taken from the model that the run starts from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from penjing.data.reading import iter_texts
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.start import start_folder
from penjing.progress import Progress, stop_if_asked
from penjing.text.tokenizer import load_tokenizer, train_tokenizer


def _run(context: StageContext) -> dict[str, Any]:
    start = start_folder(context.recipe)
    if start is not None:
        tokenizer = load_tokenizer(start)
    else:
        parts = [context.inputs["data"] / "train.parquet"]
        if "corpus" in context.inputs:
            parts.insert(0, context.inputs["corpus"] / "texts.parquet")
        texts = chain.from_iterable(iter_texts(part) for part in parts)
        tokenizer = train_tokenizer(_watched(texts, context.progress), context.recipe.tokenizer)
    tokenizer.save(context.folder)
    return {
        "kind": "given" if start else context.recipe.tokenizer.kind,
        "vocabulary": tokenizer.vocab_size,
        "fingerprint": tokenizer.fingerprint,
    }


def _watched(batches: Iterable[list[str]], progress: Progress) -> Iterator[list[str]]:
    with progress.bar("tokenizer", None, "texts") as bar:
        for batch in batches:
            stop_if_asked(progress)
            yield batch
            bar.advance(len(batch))


def _settings(recipe: Recipe) -> Any:
    return None if start_folder(recipe) else recipe.tokenizer.model_dump(mode="json")


def _files(recipe: Recipe) -> list[Path]:
    start = start_folder(recipe)
    names = ("tokenizer.json", "tokenizer_config.json")
    return [start / name for name in names if (start / name).is_file()] if start else []


TOKENIZER = Stage("tokenizer", inputs=("data", "corpus"), settings=_settings, run=_run, files=_files)
