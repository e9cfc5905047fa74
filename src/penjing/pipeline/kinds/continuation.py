"""Texts: a model that goes on with them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from penjing.data.continuations import BegunTexts, build_continuations, iter_continuations, read_continuations
from penjing.data.settings import RowData
from penjing.errors import RecipeError
from penjing.evaluate.generation import GenerationMeasures, evaluate_generation, evaluate_generation_beside
from penjing.models.config import Head
from penjing.models.interface import Architecture, EncoderDecoderModel
from penjing.pipeline.kinds.beside_teacher import beside_teacher, with_teacher
from penjing.pipeline.kinds.kind import Evaluated, Inputs, Kind, Lesson
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, check_positions, check_rendered, filled_splits, write_split
from penjing.pipeline.kinds.writing_lesson import check_start_direction, score_written, writing_lesson
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import ContinuationRecipe, batch_teaching, continuation_data
from penjing.pipeline.start import architecture_of
from penjing.pipeline.teaching import teacher_folders
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.tasks.generation_model import GenerationModel
from penjing.tasks.loading import load_as
from penjing.tasks.task import GenerationTask, load_task
from penjing.text.continuation_renderer import ContinuationRenderer
from penjing.text.renderer import Rendered
from penjing.text.showing import ShownRow, show_row
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch

_PROBED_TEXTS = 8
_READING = ("unit", "passage", "continuation", "text")


class ContinuationKind(Kind):
    """A text is gone on with; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "language"

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": continuation_data(recipe)}

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        assert isinstance(recipe, ContinuationRecipe)
        if not architecture.writes_text:
            raise RecipeError(
                f"the task {recipe.task} goes on with texts, and {architecture.name} cannot",
                where=recipe.name,
                do='Choose the family "llama", "lstm" or "t5".',
            )
        check_start_direction(recipe, architecture)
        if recipe.model.shape.get("bidirectional"):
            raise RecipeError(
                "[model.shape] bidirectional is true, and what comes after a text cannot be read before it is written",
                where=recipe.name,
                do="Leave it out.",
            )
        check_positions(recipe, recipe.render.max_tokens, "max_tokens", longest)
        if longest is not None and 2 * recipe.write.max_tokens > recipe.render.max_tokens:
            raise RecipeError(
                f"[write] max_tokens is {recipe.write.max_tokens}, more than half of [render] max_tokens, "
                f"{recipe.render.max_tokens}",
                where=recipe.name,
                do="What is written has half of the window at most: lower the one, or raise the other.",
            )

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_continuations(continuation_data(recipe), recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        renderer = _renderer(recipe, inputs)
        splits = {}
        for split in filled_splits(inputs["data"]):
            batches = iter_continuations(inputs["data"], split, ROWS_AT_ONCE)
            windows = _Windows(renderer, batches, progress, is_training=split == "train")
            counts = write_split(folder / split, windows, renderer.tokenizer, renderer.fingerprint)
            splits[split] = {**counts, "texts": windows.texts, "several": windows.several}
        return {"max_tokens": renderer.settings.max_tokens, "splits": splits}

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        renderer = _renderer(recipe, inputs)
        some = next(iter_continuations(inputs["data"], "train", rows))
        rendered = renderer.render(renderer.divide(some.texts, some.targets, first_row=0))
        shown = []
        for text in rendered:
            for number, window in enumerate(text.windows):
                whole = replace(window, ids=text.whole) if not number else window
                shown.append(show_row(renderer.tokenizer, window, whole))
        return shown

    def shape(self, recipe: Recipe, inputs: Inputs) -> dict[str, Any]:
        """An LSTM reads in one direction; other families have no such entry."""
        return {"bidirectional": False}

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        return architecture.language_model(config)

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        check_rendered(inputs["examples"], _renderer(recipe, inputs).fingerprint)
        return beside_teacher(writing_lesson(recipe, inputs, tokenizer, network), recipe, network)

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        return score_written(network, batch)

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        reading = continuation_data(recipe).model_dump(mode="json")
        return {
            "render": recipe.render.model_dump(mode="json"),
            **recipe.answering,
            "reads": {name: reading[name] for name in _READING},
            "fingerprint": _renderer(recipe, inputs).fingerprint,
        }

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        assert isinstance(recipe, ContinuationRecipe)
        model = load_as(GenerationModel, inputs["finetune"] / "model", recipe.device)
        model = replace(model, settings=recipe.write.writing)  # which may have changed since
        test = read_continuations(inputs["data"], "test")
        measured = _evaluate(recipe, model, inputs, test, progress)

        def measure() -> dict[str, Any]:
            return evaluate_generation(_teacher(recipe, model), test, _measures(recipe), progress)[0]

        return Evaluated(with_teacher(measured, recipe, measure))

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        assert isinstance(recipe, ContinuationRecipe)
        task = load_task(task_of(recipe))
        assert isinstance(task, GenerationTask)
        renderer = _renderer(recipe, inputs, reads_first=isinstance(network, EncoderDecoderModel))
        model = GenerationModel(
            Path(), {}, task, renderer=renderer, network=cast("Any", network), settings=recipe.write.writing
        )
        test = read_continuations(inputs["data"], "test")
        few = test.take(_PROBED_TEXTS)
        models = [model, *([_teacher(recipe, model)] if batch_teaching(recipe) is not None else [])]
        seconds = sum(_time(each, few, len(test.texts), recipe.evaluate.samples) for each in models)
        began = time.perf_counter()
        _evaluate(recipe, model, inputs, few, Silent())  # what the baseline takes is in the training texts
        return seconds + time.perf_counter() - began, len(test.texts)


def _evaluate(
    recipe: ContinuationRecipe, model: GenerationModel, inputs: Inputs, test: BegunTexts, progress: Progress
) -> dict[str, Any]:
    training = iter_continuations(inputs["data"], "train", ROWS_AT_ONCE)
    return evaluate_generation_beside(model, test, training, _measures(recipe), progress)


def _measures(recipe: ContinuationRecipe) -> GenerationMeasures:
    settings = recipe.evaluate
    return GenerationMeasures(settings.samples, settings.mistakes, settings.resamples, recipe.seed)


def _teacher(recipe: ContinuationRecipe, student: GenerationModel) -> GenerationModel:
    """Returns the teacher, reading texts in the windows of its student, and writing by the same settings."""
    model = load_as(GenerationModel, teacher_folders(recipe)[0], recipe.device)
    return replace(model, renderer=student.renderer, settings=student.settings)


def _time(model: GenerationModel, few: BegunTexts, texts: int, samples: int) -> float:
    """Returns the seconds that a model needs to read so many texts, and to go on with so many, by a few of them."""
    began = time.perf_counter()
    model.measure(model.renderer.divide(few.texts, few.targets))
    measured = time.perf_counter()
    model.write(few.texts)
    written = time.perf_counter()
    return ((measured - began) * texts + (written - measured) * samples) / len(few.texts)


def _renderer(recipe: Recipe, inputs: Inputs, *, reads_first: bool | None = None) -> ContinuationRenderer:
    assert isinstance(recipe, ContinuationRecipe)
    if reads_first is None:
        reads_first = architecture_of(recipe).is_encoder_decoder
    return ContinuationRenderer(load_tokenizer(inputs["tokenizer"]), recipe.render, reads_first=reads_first)


class _Windows:
    """The windows of texts, in batches.

    Attributes:
        texts: met so far.
        several: those of them that need more than one window.
    """

    def __init__(
        self, renderer: ContinuationRenderer, batches: Iterable[BegunTexts], progress: Progress, *, is_training: bool
    ) -> None:
        self._renderer, self._batches, self._progress = renderer, batches, progress
        self._is_training = is_training
        self.texts = self.several = 0

    def __iter__(self) -> Iterator[tuple[list[Rendered], list[int]]]:
        with self._progress.bar("examples", None) as bar:
            for rows in self._batches:
                stop_if_asked(self._progress)
                first = self.texts if self._is_training else None
                found = self._renderer.render(self._renderer.divide(rows.texts, rows.targets, first))
                self.texts += len(found)
                self.several += sum(len(text.windows) > 1 for text in found)
                windows = [window for text in found for window in text.windows]
                yield windows, [border for text in found for border in text.borders]
                bar.advance(len(found))
