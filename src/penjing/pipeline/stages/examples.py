"""The labelled rows as token shards, one a split, with what was cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from penjing.data.reading import SplitRows, iter_split
from penjing.files import read_json, write_json
from penjing.pipeline.recipe import has_data
from penjing.pipeline.stage import Stage, StageContext
from penjing.progress import Progress, stop_if_asked
from penjing.text.renderer import Rendered, Renderer
from penjing.text.shards import write_shard
from penjing.text.tokenizer import load_tokenizer

SPLITS = ("train", "validation", "test")
LABELS = "labels.json"
_ROWS = 2048


def _run(context: StageContext) -> dict[str, Any]:
    data = context.inputs["data"]
    labels: list[str] = read_json(data / "counts.json")["labels"]
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    renderer = Renderer(tokenizer, context.recipe.render)
    write_json(context.folder / LABELS, labels)
    facts: dict[str, Any] = {"max_tokens": context.recipe.render.max_tokens, "splits": {}}
    for split in SPLITS:
        folder = context.folder / split
        folder.mkdir()
        shard = write_shard(
            folder,
            _rendered(renderer, iter_split(data, split, _ROWS), labels, context.progress),
            vocab_size=tokenizer.vocab_size,
            unknown_id=tokenizer.unknown_id if tokenizer.has_unknown else -1,
            fingerprint=renderer.fingerprint,
        )
        facts["splits"][split] = {
            "rows": shard.rows,
            "tokens": len(shard.tokens),
            "cut_rows": shard.cut_rows,
            "cut_tokens": shard.cut_tokens,
            "unknown_tokens": shard.unknown_tokens,
        }
    return facts


def _rendered(
    renderer: Renderer, batches: Iterable[SplitRows], labels: list[str], progress: Progress
) -> Iterator[tuple[list[Rendered], list[int]]]:
    column = renderer.columns[0]
    numbers = {label: number for number, label in enumerate(labels)}
    with progress.bar("examples", None) as bar:
        for rows in batches:
            stop_if_asked(progress)
            yield renderer.render([{column: text} for text in rows.texts]), [numbers[label] for label in rows.labels]
            bar.advance(len(rows.texts))


EXAMPLES = Stage(
    "examples",
    inputs=("data", "tokenizer"),
    settings=lambda recipe: recipe.render.model_dump(mode="json"),
    run=_run,
    is_wanted=has_data,
)
