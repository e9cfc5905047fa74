"""The tokenizer: trained on the corpus and the training rows, or taken from a model folder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from penjing.data.reading import iter_texts
from penjing.errors import RecipeError
from penjing.pipeline.chat_template import template_files
from penjing.pipeline.kinds import kind_of
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.start import tokenizer_folder
from penjing.progress import Progress, stop_if_asked
from penjing.text.qwen import cuts_as_qwen
from penjing.text.tokenizer import load_tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import FEWEST_ENTRIES, TokenizerSettings
from penjing.text.vocabulary import Cutting

_SENTINELS = 100


def _run(context: StageContext) -> dict[str, Any]:
    start = tokenizer_folder(context.recipe)
    if start is not None:
        tokenizer = load_tokenizer(start)
    else:
        sources: dict[str, tuple[str, tuple[str, ...]]] = {
            "corpus": ("texts.parquet", ("text",)),
            "data": (context.recipe.text_table, context.recipe.text_columns),
        }
        parts = [
            (context.inputs[stage] / file, column)
            for stage, (file, columns) in sources.items()
            if stage in context.inputs
            for column in columns
        ]
        texts = _Texts(parts, context.progress)
        cutting: Cutting = "qwen" if _is_fresh_qwen(context.recipe) else "own"
        tokenizer = train_tokenizer(texts, tokenizer_settings(context.recipe), context.recipe.seed, cutting)
    if not has_data(context.recipe):
        tokenizer.save(context.folder)
    else:
        tokenizer = kind_of(context.recipe).save_tokenizer(context.recipe, tokenizer, context.folder)
    return {
        "kind": "given" if start else context.recipe.tokenizer.kind,
        "vocabulary": tokenizer.vocab_size,
        "fingerprint": tokenizer.fingerprint,
    }


class _Texts:
    """The texts of some columns of files, in batches."""

    def __init__(self, columns: list[tuple[Path, str]], progress: Progress) -> None:
        self._columns, self._progress = columns, progress

    def __iter__(self) -> Iterator[list[str]]:
        with self._progress.bar("tokenizer", None, "texts") as bar:
            for batch in chain.from_iterable(iter_texts(file, column=name) for file, name in self._columns):
                stop_if_asked(self._progress)
                yield batch
                bar.advance(len(batch))


def tokenizer_settings(recipe: Recipe) -> TokenizerSettings:
    """Returns ``[tokenizer]`` with as many sentinels as the objective needs, where it names no number."""
    settings = recipe.tokenizer
    if settings.reserved < recipe.spare_tokens:
        settings = settings.model_copy(update={"reserved": recipe.spare_tokens})
    if settings.sentinels is not None:
        return settings
    needs = recipe.pretrain is not None and recipe.pretrain.objective == "span"
    if needs and settings.vocab_size < _SENTINELS + FEWEST_ENTRIES:
        raise RecipeError(
            f"[tokenizer] vocab_size is {settings.vocab_size}, of which the objective span takes {_SENTINELS} entries",
            where=recipe.name,
            do=f"Give at least {_SENTINELS + FEWEST_ENTRIES}, or name fewer sentinels.",
        )
    return settings.model_copy(update={"sentinels": _SENTINELS if needs else 0})


def check_tokenizer(recipe: Recipe) -> None:
    """Checks that the tokenizer is one that the family can have.

    Raises:
        RecipeError: it is not.
        ModelFolderError: one that is taken from a folder cannot be read.
    """
    settings, start = recipe.tokenizer, tokenizer_folder(recipe)
    given = load_tokenizer(start) if settings.start is not None and start is not None else None
    if not _is_fresh_qwen(recipe):
        return
    is_right = settings.kind == "bpe" and not settings.guards and not settings.strip_tags
    if not (is_right if given is None else cuts_as_qwen(given.to_json())):
        found = "the one in [tokenizer] start" if given else "one of these settings"
        raise RecipeError(
            "Transformers reads every qwen2 by a tokenizer that cuts texts as Qwen's does, a byte-level BPE, and "
            f"{found} would be read as other tokens there",
            where=f"{recipe.name}, [model] family",
            do='Write [tokenizer] kind = "bpe", without guards and strip_tags; or family = "qwen3" or "llama", whose '
            "tokenizers may be of any kind.",
        )


def _is_fresh_qwen(recipe: Recipe) -> bool:
    """Whether a model is made anew that Transformers reads by rules of its own; see `penjing.text.qwen`."""
    return recipe.model.start is None and recipe.model.family == "qwen2"


def _settings(recipe: Recipe) -> Any:
    made = None if tokenizer_folder(recipe) else tokenizer_settings(recipe).model_dump(mode="json", exclude={"start"})
    trained = None if made is None else [recipe.seed, made, *(["qwen"] if _is_fresh_qwen(recipe) else [])]
    return [trained, "dialogue"] if recipe.has_dialogues else trained


def _files(recipe: Recipe) -> list[Path]:
    start = tokenizer_folder(recipe)
    names = ("tokenizer.json", "tokenizer_config.json")
    found = [start / name for name in names if (start / name).is_file()] if start else []
    return [*found, *template_files(recipe)] if recipe.has_dialogues else found


TOKENIZER = Stage("tokenizer", inputs=("data", "corpus"), settings=_settings, run=_run, files=_files)
