"""Rows that are pairs of texts: a model that reads the one and writes the other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from penjing.data.pairs import build_pairs
from penjing.data.reading import PairRows, iter_pairs, read_pairs
from penjing.data.settings import RowData
from penjing.evaluate.writing import evaluate_writing, evaluate_writing_baselines
from penjing.inference.writing import Writer
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.pipeline.kinds.kind import Evaluated, Inputs, Kind, Lesson
from penjing.pipeline.kinds.prompted import check_writer
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, filled_splits, with_room, write_split
from penjing.pipeline.kinds.writing_lesson import score_written, writing_lesson
from penjing.pipeline.kinds.written_targets import score_teacher, taught_pairs, teach_targets, time_writing
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import WritingRecipe, paired_data
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.loading import load_as
from penjing.tasks.task import WritingTask, load_task
from penjing.tasks.writing_model import WritingModel
from penjing.text.pair_renderer import PairRenderer
from penjing.text.renderer import Rendered
from penjing.text.showing import ShownRow, join_rows, show_row
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch

_PROBED_ROWS = 128  # fewer do not fill a batch
_BASELINE_ROWS = 2000


class WritingKind(Kind):
    """A text is answered with another text; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "language"

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": paired_data(recipe)}

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        assert isinstance(recipe, WritingRecipe)
        what, written = f"the task {recipe.task} writes texts", recipe.render.max_target_tokens
        check_writer(recipe, architecture, what, written, longest)

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_pairs(paired_data(recipe), recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        renderer = _renderer(recipe, inputs)
        splits = {}
        for split in filled_splits(inputs["data"]):
            rendered = _rendered(renderer, iter_pairs(inputs["data"], split, ROWS_AT_ONCE), progress)
            splits[split] = write_split(folder / split, rendered, renderer.tokenizer, renderer.fingerprint)
        settings = renderer.settings
        return {"max_tokens": settings.max_tokens, "max_target_tokens": settings.max_target_tokens, "splits": splits}

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        assert isinstance(recipe, WritingRecipe)
        tokenizer = load_tokenizer(inputs["tokenizer"])
        pairs = [*_as_rows(next(iter_pairs(inputs["data"], "train", rows)))]
        renderers = (PairRenderer(tokenizer, settings) for settings in (recipe.render, with_room(recipe.render)))
        kept, whole = (renderer.render(pairs) for renderer in renderers)
        return [
            join_rows(
                [show_row(tokenizer, some.read, all_.read), show_row(tokenizer, some.as_learned, all_.as_learned)]
            )
            for some, all_ in zip(kept, whole, strict=True)
        ]

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        return architecture.language_model(config)

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        assert isinstance(recipe, WritingRecipe)
        return writing_lesson(recipe, inputs, tokenizer, network, partial(taught_pairs, recipe, inputs))

    def teach(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        assert isinstance(recipe, WritingRecipe)
        return teach_targets(recipe, inputs, folder, progress)

    def probe_teaching(self, recipe: Recipe, inputs: Inputs) -> tuple[float, dict[str, Any]]:
        assert isinstance(recipe, WritingRecipe)
        return time_writing(recipe, inputs)

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        return score_written(network, batch)

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        assert isinstance(recipe, WritingRecipe)
        return {
            "render": recipe.render.model_dump(mode="json"),
            "write": recipe.write.model_dump(mode="json"),
            "fingerprint": _renderer(recipe, inputs).fingerprint,
        }

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        assert isinstance(recipe, WritingRecipe)
        model = load_as(WritingModel, inputs["finetune"] / "model", recipe.device)
        model = replace(model, settings=recipe.write.writing)  # which may have changed since
        measured = measure_writing(recipe, model, inputs["data"], progress)
        taught = {"teachers": score_teacher(writing_task(recipe), recipe, inputs)} if "teach" in inputs else {}
        return Evaluated({**measured, **taught})

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        assert isinstance(recipe, WritingRecipe)
        task, renderer = writing_task(recipe), _renderer(recipe, inputs)
        train, test = read_pairs(inputs["data"], "train"), read_pairs(inputs["data"], "test")
        writer = Writer(cast("Any", network), frozenset(), renderer.tokenizer.pad_id)  # a fresh one would not end
        longest = max(len(row.written.ids) for row in renderer.render([*_as_rows(test.take(_PROBED_ROWS))]))
        settings = recipe.write.model_copy(update={"max_tokens": min(longest, recipe.write.max_tokens)})
        model = WritingModel(
            Path(), {}, task, renderer=renderer, writer=writer, network=network, settings=settings.writing
        )
        few, known = test.take(_PROBED_ROWS), train.take(_BASELINE_ROWS)
        began = time.perf_counter()
        model.write(few.texts)
        seconds = (time.perf_counter() - began) * len(test.texts) / len(few.texts)
        for fit in task.baselines.values():
            began = time.perf_counter()
            other = fit(known.texts, known.targets)
            fitted = time.perf_counter()
            written = other.write(test.texts)
            task.compare(written, written, test.references, test.texts, recipe.evaluate.resamples, 0)
            seconds += (fitted - began) * len(train.texts) / len(known.texts) + time.perf_counter() - fitted
        return seconds, len(test.texts)


def measure_writing(recipe: Recipe, model: WritingModel, data: Path, progress: Progress) -> dict[str, Any]:
    """Returns what a model and the baselines are worth on the test pairs of a folder."""
    settings, task = recipe.evaluate, model.task
    assert isinstance(task, WritingTask)
    train, test = read_pairs(data, "train"), read_pairs(data, "test")
    measured = score_writing(recipe, model, test, progress)
    baselines, differences = evaluate_writing_baselines(
        task,
        train,
        test,
        measured.pop("written"),
        resamples=settings.resamples,
        seed=recipe.seed,
        progress=progress,
    )
    return {**measured, "baselines": baselines, "difference": differences}


def score_writing(recipe: Recipe, model: WritingModel, test: PairRows, progress: Progress) -> dict[str, Any]:
    """Returns what a model alone is worth on pairs, and ``written``, what it wrote."""
    settings = recipe.evaluate
    return evaluate_writing(
        model, test, resamples=settings.resamples, worst=settings.mistakes, seed=recipe.seed, progress=progress
    )


def writing_task(recipe: Recipe) -> WritingTask:
    """Returns the task of a recipe whose answers are texts."""
    task = load_task(task_of(recipe))
    assert isinstance(task, WritingTask)
    return task


def _renderer(recipe: Recipe, inputs: Inputs) -> PairRenderer:
    assert isinstance(recipe, WritingRecipe)
    return PairRenderer(load_tokenizer(inputs["tokenizer"]), recipe.render)


def _as_rows(pairs: PairRows) -> Iterator[dict[str, str]]:
    for text, target in pairs.examples():
        yield {"text": text, "target": target}


def _rendered(
    renderer: PairRenderer, batches: Iterable[PairRows], progress: Progress
) -> Iterator[tuple[list[Rendered], list[int]]]:
    """Yields both sides of each pair as one row, with the length of what is read."""
    with progress.bar("examples", None) as bar:
        for rows in batches:
            stop_if_asked(progress)
            pairs = renderer.render([*_as_rows(rows)])
            yield [pair.joined for pair in pairs], [len(pair.read.ids) for pair in pairs]
            bar.advance(len(pairs))
