"""Questions with the texts in which their answers stand: a model that finds where."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from penjing.data.question_rows import Question
from penjing.data.questions import build_questions, read_questions
from penjing.data.settings import RowData
from penjing.errors import RecipeError
from penjing.evaluate.answers import Answerer, evaluate_answer_baselines, evaluate_answers, settle_threshold
from penjing.files import write_beside
from penjing.inference.extraction import Extractor
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.models.weights import read_config
from penjing.pipeline.kinds.beside_teacher import beside_span_teacher, with_teacher
from penjing.pipeline.kinds.kind import SPLITS, Evaluated, Inputs, Kind, Lesson
from penjing.pipeline.kinds.shards import check_positions, filled_splits, write_split
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import AnswerRecipe, batch_teaching, question_data
from penjing.pipeline.start import marks_of, start_folder
from penjing.pipeline.teaching import teacher_folders
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.loading import load_as
from penjing.tasks.task import SpanTask, load_task
from penjing.text.question_renderer import QuestionRenderer, RenderedQuestion, question_marks
from penjing.text.renderer import Rendered
from penjing.text.segments import PLAIN_TYPES
from penjing.text.showing import ShownRow, show_row
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch
from penjing.train.objectives.span_extraction import SpanExtractionObjective
from penjing.train.pair_batches import PairLimits
from penjing.train.question_batches import SPANS, QuestionBatches

_PROBED_QUESTIONS = 64
_AT_ONCE = 512
_TYPES = "type_vocab_size"  # the hub's name for the number of types of segment


class AnswerKind(Kind):
    """A question is answered with a part of a text; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "span"

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": question_data(recipe)}

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        if architecture.span_scorer is None:
            raise RecipeError(
                f"the task {recipe.task} finds answers in texts, and {architecture.name} cannot",
                where=recipe.name,
                do='Choose the family "bert", which reads both sides of a token and finds places, or "t5" or a decoder '
                'such as "llama", which write the answer.',
            )
        check_positions(recipe, recipe.render.max_tokens, "max_tokens", longest)
        _check_marks(recipe)
        if recipe.finetune.adapters is not None and _types_of_start(recipe) < _segment_types(recipe) > PLAIN_TYPES:
            raise RecipeError(
                "adapters leave the weights of the start as they are, and it has no types of segment for the tokens "
                "that mark_matches marks",
                where=recipe.name,
                do="Remove mark_matches from [render], or [finetune.lora].",
            )

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_questions(question_data(recipe), recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        renderer = question_renderer(recipe, inputs)
        splits = {}
        for split in filled_splits(inputs["data"]):
            questions = read_questions(inputs["data"], split)
            examples = _Examples(renderer, questions, progress)
            written = write_split(folder / split, examples, renderer.tokenizer, renderer.fingerprint)
            with write_beside(folder / split / SPANS) as file, file.open("wb") as opened:
                np.save(opened, np.array(examples.spans, dtype=np.int64), allow_pickle=False)
            splits[split] = {**written, "rows": len(questions), "windows": written["rows"], **examples.counts}
        settings = renderer.settings
        return {
            "max_tokens": settings.max_tokens,
            "max_question_tokens": settings.max_question_tokens,
            "splits": splits,
        }

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        renderer = question_renderer(recipe, inputs)
        questions = read_questions(inputs["data"], "train")[:rows]
        examples, shown = _Examples(renderer, questions, Silent()), []
        for question, rendered in zip(questions, examples.render(questions), strict=True):
            spans = examples.locate(question, rendered)
            if spans is None:
                continue
            for number, (window, (first, last)) in enumerate(zip(rendered.rows, spans, strict=True)):
                row = replace(window, learned=[first <= place <= last for place in range(len(window.ids))])
                whole = row if number else replace(row, ids=rendered.whole)  # what is cut is of the first window
                shown.append(show_row(renderer.tokenizer, row, whole))
        return shown

    def shape(self, recipe: Recipe, inputs: Inputs) -> dict[str, Any]:
        """A type of segment for each length of a run that is marked; a start may have more."""
        wanted = _segment_types(recipe)
        given = int(recipe.model.shape.get(_TYPES, 0))
        return {_TYPES: max(wanted, given, _types_of_start(recipe))} if wanted > PLAIN_TYPES else {}

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        assert architecture.span_scorer is not None
        return architecture.span_scorer(config)

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        assert isinstance(recipe, AnswerRecipe)
        settings = recipe.finetune
        training, validation = (
            QuestionBatches(
                inputs["examples"] / split,
                tokenizer.pad_id,
                PairLimits(settings.batch_tokens, settings.batch_rows),
                recipe.finetuning_seed,
                marks=question_marks(tokenizer, recipe.render),
                shuffled=split == "train",
            )
            for split in ("train", "validation")
        )
        return beside_span_teacher(Lesson(SpanExtractionObjective(), training, validation), recipe)

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        logits: Tensor = network(batch.ids, batch.mask, token_type_ids=batch.token_types)
        return logits

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        assert isinstance(recipe, AnswerRecipe)
        return {
            "render": recipe.render.model_dump(mode="json"),
            "answer": recipe.answer.model_dump(mode="json"),
            "fingerprint": question_renderer(recipe, inputs).fingerprint,
        }

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        assert isinstance(recipe, AnswerRecipe)
        model = load_as(AnswerModel, inputs["finetune"] / "model", recipe.device)
        model = replace(model, settings=recipe.answer)  # which may have changed since
        model = settle_threshold(model, read_questions(inputs["data"], "validation"), progress)
        settled = {"answer": model.settings.model_dump(mode="json")}
        document = {**measure_answers(recipe, model, inputs["data"], progress), "settled": settled}

        def measure() -> dict[str, Any]:
            return score_answers(recipe, _teacher(recipe), read_questions(inputs["data"], "test"), progress)

        return Evaluated(with_teacher(document, recipe, measure))

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        assert isinstance(recipe, AnswerRecipe)
        renderer, task = question_renderer(recipe, inputs), answer_task(recipe)
        extractor = Extractor(network, renderer.tokenizer.pad_id, renderer.marks)
        model = AnswerModel(Path(), {}, task, renderer=renderer, extractor=extractor, settings=recipe.answer)
        train, validation, test = (read_questions(inputs["data"], split) for split in SPLITS)
        few = test[:_PROBED_QUESTIONS]
        asked = len(test) + (0 if all(item.is_answerable for item in validation) else len(validation))
        seconds = _time_answers(model, few) * asked
        if batch_teaching(recipe) is not None:
            seconds += _time_answers(_teacher(recipe), few) * len(test)
        began = time.perf_counter()
        evaluate_answer_baselines(
            task, train, test, [""] * len(test), resamples=recipe.evaluate.resamples, seed=0, progress=Silent()
        )
        return seconds + time.perf_counter() - began, len(test)


class _Examples:
    """The windows of questions as rows, each with the place at which its text begins.

    Attributes:
        spans: where the answer stands in each window, as far as they were read.
        counts: questions ``not_learned``, for their answer is not known to be in the text; and answers ``off_borders``,
            whose ends are not those of tokens, so that no model can give them exactly.
    """

    def __init__(self, renderer: QuestionRenderer, questions: Sequence[Question], progress: Progress) -> None:
        self._renderer, self._questions, self._progress = renderer, questions, progress
        self.spans: list[tuple[int, int]] = []
        self.counts = {"not_learned": 0, "off_borders": 0}

    def __iter__(self) -> Iterator[tuple[list[Rendered], list[int]]]:
        waiting = iter(self._questions)
        with self._progress.bar("examples", len(self._questions), "questions") as bar:
            while questions := list(islice(waiting, _AT_ONCE)):
                stop_if_asked(self._progress)
                rendered = self.render(questions)
                rows: list[Rendered] = []
                places: list[int] = []
                for question, shown in zip(questions, rendered, strict=True):
                    spans = self.locate(question, shown)
                    if spans is None:
                        continue
                    self.spans += spans
                    rows += shown.rows
                    places += [window.text_start for window in shown.windows]
                yield rows, places
                bar.advance(len(questions))

    def render(self, questions: Sequence[Question]) -> list[RenderedQuestion]:
        """Returns questions as windows."""
        return self._renderer.render([{"question": q.question, "text": q.text} for q in questions])

    def locate(self, question: Question, shown: RenderedQuestion) -> list[tuple[int, int]] | None:
        """Returns where the first answer that is in the text stands in each window; None where none is."""
        if not question.is_learnable:
            self.counts["not_learned"] += 1
            return None
        if not question.is_answerable:
            return [(0, 0)] * len(shown.windows)
        start, answer = next(
            (start, answer) for start, answer in zip(question.starts, question.answers, strict=True) if start >= 0
        )
        wanted = (start, start + len(answer))
        spans = [window.find(*wanted) for window in shown.windows]
        held = [(window, span) for window, span in zip(shown.windows, spans, strict=True) if span[0]]
        if not any(window.characters(*span) == wanted for window, span in held):
            self.counts["off_borders"] += 1
        return spans


def measure_answers(recipe: Recipe, model: Answerer, data: Path, progress: Progress) -> dict[str, Any]:
    """Returns what a model and the baselines are worth on the test questions of a folder."""
    settings = recipe.evaluate
    train, test = read_questions(data, "train"), read_questions(data, "test")
    measured = score_answers(recipe, model, test, progress)
    baselines, differences = evaluate_answer_baselines(
        model.task,
        train,
        test,
        measured.pop("written"),
        resamples=settings.resamples,
        seed=recipe.seed,
        progress=progress,
    )
    return {**measured, "baselines": baselines, "difference": differences}


def score_answers(recipe: Recipe, model: Answerer, test: Sequence[Question], progress: Progress) -> dict[str, Any]:
    """Returns what a model alone is worth on questions, and ``written``, what it answered."""
    settings = recipe.evaluate
    return evaluate_answers(
        model, test, resamples=settings.resamples, worst=settings.mistakes, seed=recipe.seed, progress=progress
    )


def _check_marks(recipe: Recipe) -> None:
    """Checks that the shape has types for what is marked, and that a start goes on being told of matches."""
    assert isinstance(recipe, AnswerRecipe)
    own, wanted = recipe.render.mark_matches, _segment_types(recipe)
    given = recipe.model.shape.get(_TYPES)
    if own and isinstance(given, int) and given < wanted:
        raise RecipeError(
            f"mark_matches = {own} needs {wanted} types of segment, and shape has {_TYPES} = {given}",
            where=f"{recipe.name}, [model]",
            do=f"Remove {_TYPES}, which follows from mark_matches.",
        )
    start = start_folder(recipe)
    theirs = marks_of(start) if start is not None else 0
    if theirs > own:
        raise RecipeError(
            f"the start has learned with mark_matches = {theirs}, and [render] has {own}: it would be told of fewer "
            "matches than it has learned to expect",
            where=f"{recipe.name}, [render]",
            do=f"Write mark_matches = {theirs}, or name another start.",
        )


def _segment_types(recipe: Recipe) -> int:
    assert isinstance(recipe, AnswerRecipe)
    return PLAIN_TYPES + recipe.render.mark_matches


def _types_of_start(recipe: Recipe) -> int:
    """Returns how many types of segment the model has that the recipe starts from; 0 without one."""
    start = start_folder(recipe)
    return int(read_config(start).get(_TYPES, PLAIN_TYPES)) if start is not None else 0


def _teacher(recipe: Recipe) -> AnswerModel:
    return load_as(AnswerModel, teacher_folders(recipe)[0], recipe.device)


def _time_answers(model: AnswerModel, questions: Sequence[Question]) -> float:
    """Returns the seconds that a question takes."""
    began = time.perf_counter()
    model.answer([item.question for item in questions], [item.text for item in questions])
    return (time.perf_counter() - began) / len(questions)


def answer_task(recipe: Recipe) -> SpanTask:
    """Returns the task of a recipe whose answers are parts of texts."""
    task = load_task(task_of(recipe))
    assert isinstance(task, SpanTask)
    return task


def question_renderer(recipe: Recipe, inputs: Inputs) -> QuestionRenderer:
    """Returns what lays the recipe's questions out."""
    assert isinstance(recipe, AnswerRecipe)
    return QuestionRenderer(load_tokenizer(inputs["tokenizer"]), recipe.render)
