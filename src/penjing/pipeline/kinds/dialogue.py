"""Dialogues: a decoder that replies."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import Tensor, nn

from penjing.data.dialogues import build_dialogues, iter_dialogues, read_dialogues
from penjing.data.messages import Message
from penjing.data.other_sides import OtherSides
from penjing.data.settings import RowData
from penjing.errors import RecipeError
from penjing.evaluate.dialogues import (
    DialogueMeasures,
    choose_cache,
    evaluate_dialogues,
    evaluate_reply_baselines,
)
from penjing.evaluate.exchanges import Dialogues, draw_questions, list_exchanges
from penjing.evaluate.reply_reading import ReplyReader
from penjing.models.config import Head
from penjing.models.interface import Architecture, LanguageModel
from penjing.pipeline.chat_template import open_renderer, save_with_template, write_template
from penjing.pipeline.kinds.beside_teacher import beside_teacher, with_teacher
from penjing.pipeline.kinds.kind import SPLITS, Evaluated, Inputs, Kind, Lesson
from penjing.pipeline.kinds.shards import check_positions, filled_splits, write_split
from penjing.pipeline.kinds.writing_lesson import check_direction
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import DialogueRecipe, batch_teaching, dialogue_data
from penjing.pipeline.teaching import teacher_folders
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.tasks.dialogue_model import DialogueModel
from penjing.tasks.loading import load_as
from penjing.tasks.task import DialogueTask, load_task
from penjing.text.dialogue_renderer import DialogueRenderer
from penjing.text.learned import keep_learned, open_learned
from penjing.text.renderer import Rendered
from penjing.text.shards import open_shard
from penjing.text.showing import ShownRow, show_row
from penjing.text.tokenizer import Tokenizer
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED
from penjing.train.dialogue_batches import DialogueBatches
from penjing.train.objectives.writing import ContinuationObjective
from penjing.train.pair_batches import PairLimits

_PROBED_DIALOGUES = 4
_PROBED_QUESTIONS = 8


class DialogueKind(Kind):
    """Dialogues are answered with the next reply; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "language"

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": dialogue_data(recipe)}

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        if not architecture.writes_text or architecture.is_encoder_decoder:
            raise RecipeError(
                f"the task {recipe.task} goes on where a dialogue stands, and {architecture.name} cannot",
                where=recipe.name,
                do='Choose a decoder, such as the family "llama".',
            )
        check_direction(recipe, architecture)
        check_positions(recipe, recipe.render.max_tokens, "max_tokens", longest)

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_dialogues(dialogue_data(recipe), recipe.seed, folder, progress)

    def save_tokenizer(self, recipe: Recipe, tokenizer: Tokenizer, folder: Path) -> Tokenizer:
        return save_with_template(recipe, tokenizer, folder)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        renderer, others = _renderer(recipe, inputs), _other_sides(recipe, inputs)
        splits = {}
        for split in filled_splits(inputs["data"]):
            dialogues = iter_dialogues(inputs["data"], split)
            if split == "train" and others is not None:
                dialogues = map(others.beside, dialogues)
            windows = _Windows(renderer, dialogues, progress)
            rows = keep_learned(folder / split, windows)
            counts = write_split(folder / split, rows, renderer.tokenizer, renderer.fingerprint)
            splits[split] = {**counts, "exchanges": windows.exchanges, "left_out": windows.left_out}
        sides = {} if others is None else {"other_sides": {"dialogues": others.given, "left_out": others.left_out}}
        return {"max_tokens": renderer.max_tokens, **sides, "splits": splits}

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        renderer = _renderer(recipe, inputs)
        dialogues = next(iter_dialogues(inputs["data"], "train", rows))
        if (others := _other_sides(recipe, inputs)) is not None:
            dialogues = others.beside(dialogues)
        return [row for messages in dialogues for row in _show(renderer, messages)]

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        return architecture.language_model(config)

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        settings = recipe.finetune
        training, validation = (
            DialogueBatches(
                open_shard(inputs["examples"] / split),
                open_learned(inputs["examples"] / split),
                tokenizer.pad_id,
                PairLimits(settings.batch_tokens, settings.batch_rows),
                recipe.finetuning_seed,
                shuffled=split == "train",
            )
            for split in ("train", "validation")
        )
        plain = Lesson(ContinuationObjective(settings.label_smoothing), training, validation)
        return beside_teacher(plain, recipe, network)

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        assert batch.written is not None
        model = cast("LanguageModel", network)
        return model.score(model.encode(batch.ids, batch.mask)[batch.written != IGNORED])

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        return {
            "render": {"max_tokens": recipe.render.max_tokens},
            **recipe.answering,
            "fingerprint": _renderer(recipe, inputs).fingerprint,
        }

    def finish_folder(self, recipe: Recipe, inputs: Inputs, folder: Path) -> None:
        write_template(inputs["tokenizer"], folder)

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        assert isinstance(recipe, DialogueRecipe)
        model = load_as(DialogueModel, inputs["finetune"] / "model", recipe.device)
        model = replace(model, settings=recipe.write.writing)  # which may have changed since
        train, validation, test = (read_dialogues(inputs["data"], split) for split in SPLITS)
        measures = _measures(recipe)
        cache = choose_cache(model, validation, measures, progress)
        measured, asked, credits = evaluate_dialogues(model, test, replace(measures, cache=cache), progress)
        task = load_task(task_of(recipe))
        assert isinstance(task, DialogueTask)
        baselines, differences = evaluate_reply_baselines(task, train, validation, asked, credits, measures, progress)
        document = {**measured, "baselines": baselines, "difference": differences, "settled": {"cache": cache}}

        def measure() -> dict[str, Any]:
            teacher = _teacher(recipe, model)
            best = choose_cache(teacher, validation, measures, progress)
            return evaluate_dialogues(teacher, test, replace(measures, cache=best), progress)[0]

        return Evaluated(with_teacher(document, recipe, measure))

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        assert isinstance(recipe, DialogueRecipe)
        task = load_task(task_of(recipe))
        assert isinstance(task, DialogueTask)
        renderer, settings = _renderer(recipe, inputs), recipe.write.writing
        model = DialogueModel(Path(), {}, task, renderer=renderer, network=cast("Any", network), settings=settings)
        train, validation, test = (read_dialogues(inputs["data"], split) for split in SPLITS)
        measures = _measures(recipe)
        models = [model, *([_teacher(recipe, model)] if batch_teaching(recipe) is not None else [])]
        seconds = sum(_time_reading(each, test, validation, measures) for each in models)
        began = time.perf_counter()
        exchanges = list_exchanges(test)
        asked = draw_questions(exchanges, candidates=measures.candidates, most=measures.most, seed=measures.seed)
        credits = np.zeros(len(asked.questions))
        evaluate_reply_baselines(task, train, validation, asked, credits, measures, Silent())
        return seconds + time.perf_counter() - began, len(exchanges)


def _teacher(recipe: DialogueRecipe, student: DialogueModel) -> DialogueModel:
    """Returns the teacher, reading dialogues in the windows of its student."""
    model = load_as(DialogueModel, teacher_folders(recipe)[0], recipe.device)
    return replace(model, renderer=student.renderer, settings=student.settings)


def _time_reading(
    model: DialogueModel, dialogues: Dialogues, validation: Dialogues, measures: DialogueMeasures
) -> float:
    """Returns the seconds that a network needs for all dialogues, by a few of them."""
    some = list_exchanges(dialogues[:_PROBED_DIALOGUES])
    reader = ReplyReader(model)
    began = time.perf_counter()
    read = reader.surprise(some, Silent())
    seconds = (time.perf_counter() - began) * len(dialogues) / len(dialogues[:_PROBED_DIALOGUES])
    askable = [exchange for exchange, _, _ in read if reader.is_askable(exchange)]
    asked = draw_questions(askable, candidates=measures.candidates, most=_PROBED_QUESTIONS, seed=measures.seed)
    began = time.perf_counter()
    reader.read(asked, askable, measures.seed, Silent())
    candidates = max(len(question.candidates) for question in asked.questions)
    seconds_each = (time.perf_counter() - began) / reader.count_readings(len(asked.questions), candidates, len(askable))
    for replies in (len(list_exchanges(dialogues)), len(list_exchanges(validation))):
        seconds += seconds_each * reader.count_readings(min(measures.most, replies), measures.candidates, replies)
    return seconds


def _measures(recipe: DialogueRecipe) -> DialogueMeasures:
    settings = recipe.evaluate
    return DialogueMeasures(
        settings.candidates, settings.questions, settings.resamples, settings.mistakes, seed=recipe.seed
    )


def _renderer(recipe: Recipe, inputs: Inputs) -> DialogueRenderer:
    return open_renderer(inputs["tokenizer"], recipe.render.max_tokens)


def _other_sides(recipe: Recipe, inputs: Inputs) -> OtherSides | None:
    assert isinstance(recipe, DialogueRecipe)
    return OtherSides(inputs["data"]) if recipe.finetune.both_sides else None


def _show(renderer: DialogueRenderer, messages: Sequence[Message]) -> list[ShownRow]:
    """Returns the windows of a dialogue, each with the exchanges before it that it does not see as cut.

    Those after the last window, which are learned nowhere, are a row of their own.
    """
    found = renderer.render(messages)
    wholes = [renderer.render_exchanges(messages, end) for end in found.ends]
    shown = [
        show_row(renderer.tokenizer, window, replace(window, ids=whole))
        for window, whole in zip(found.windows, wholes, strict=True)
    ]
    rest = renderer.render_exchanges(messages, found.exchanges)[len(wholes[-1]) if wholes else 0 :]
    nothing = Rendered([], [], 0)
    return [*shown, show_row(renderer.tokenizer, nothing, replace(nothing, ids=rest))] if rest else shown


class _Windows:
    """The windows of dialogues, in batches.

    Attributes:
        exchanges: replies met so far.
        left_out: those of them that fit into no window.
    """

    def __init__(self, renderer: DialogueRenderer, batches: Iterable[list[list[Message]]], progress: Progress) -> None:
        self._renderer, self._batches, self._progress = renderer, batches, progress
        self.exchanges = self.left_out = 0

    def __iter__(self) -> Iterator[tuple[list[Rendered], list[int]]]:
        with self._progress.bar("examples", None) as bar:
            for dialogues in self._batches:
                stop_if_asked(self._progress)
                found = [self._renderer.render(messages) for messages in dialogues]
                self.exchanges += sum(dialogue.exchanges for dialogue in found)
                self.left_out += sum(dialogue.left_out for dialogue in found)
                yield [window for dialogue in found for window in dialogue.windows], []
                bar.advance(len(found))
