"""The corpus as token shards, for vectors and pretraining."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from penjing.data.reading import iter_texts
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.stage import Stage, StageContext
from penjing.pipeline.stages.corpus import has_corpus
from penjing.progress import Progress, stop_if_asked
from penjing.text.renderer import Rendered, Renderer
from penjing.text.shards import TokenShard, write_shard
from penjing.text.tokenizer import load_tokenizer

_AHEAD = 2  # batches that are encoded while one is written
PARTS = {"texts": "texts.parquet", "held_out": "held_out.parquet"}


def _run(context: StageContext) -> dict[str, Any]:
    renderer = Renderer(load_tokenizer(context.inputs["tokenizer"]), context.recipe.document_layout)
    shards = {}
    for name, file in PARTS.items():
        folder = context.folder / name
        folder.mkdir()
        shards[name] = write_corpus_shard(folder, context.inputs["corpus"] / file, renderer, context.progress)
    texts = shards["texts"]
    return {
        "documents": texts.rows,
        "tokens": len(texts.tokens),
        "held_out_documents": shards["held_out"].rows,
        "held_out_tokens": len(shards["held_out"].tokens),
        "unknown_share": texts.unknown_tokens / len(texts.tokens),
    }


def write_corpus_shard(folder: Path, texts: Path, renderer: Renderer, progress: Progress) -> TokenShard:
    """Writes the texts of a Parquet file as a shard into an existing folder."""
    tokenizer = renderer.tokenizer
    return write_shard(
        folder,
        _rendered(texts, renderer, progress),
        vocab_size=tokenizer.vocab_size,
        unknown_id=tokenizer.unknown_id if tokenizer.has_unknown else -1,
        fingerprint=tokenizer.fingerprint,
    )


def _rendered(path: Path, renderer: Renderer, progress: Progress) -> Iterator[tuple[list[Rendered], list[int]]]:
    """Yields the documents in order; while some are being written, the next ones are encoded."""
    waiting: deque[Future[list[Rendered]]] = deque()
    with progress.bar("tokens", None, "documents") as bar, ThreadPoolExecutor(_AHEAD) as pool:
        for texts in chain(iter_texts(path), repeat(None, _AHEAD)):
            stop_if_asked(progress)
            if texts is not None:
                waiting.append(pool.submit(renderer.render_documents, texts))
            if waiting and (texts is None or len(waiting) > _AHEAD):
                rendered = waiting.popleft().result()
                yield rendered, []
                bar.advance(len(rendered))


def _is_wanted(recipe: Recipe) -> bool:
    return has_corpus(recipe) and (recipe.pretrain is not None or recipe.vectors is not None)


def _settings(recipe: Recipe) -> Any:
    return "rejoin" if recipe.document_layout.rejoin else None


SHARDS = Stage("shards", inputs=("corpus", "tokenizer"), settings=_settings, run=_run, is_wanted=_is_wanted)
