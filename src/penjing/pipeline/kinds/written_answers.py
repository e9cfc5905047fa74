"""Questions about texts whose answers are written, as a part of a model of several tasks writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from penjing.data.question_rows import Question
from penjing.data.questions import build_questions, read_questions
from penjing.data.settings import RowData
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.pipeline.kinds.answers import measure_answers, score_answers
from penjing.pipeline.kinds.beside_teacher import beside_teacher, with_teacher
from penjing.pipeline.kinds.kind import Evaluated, Inputs, Kind, Lesson
from penjing.pipeline.kinds.part_measures import time_part
from penjing.pipeline.kinds.prompted import (
    COUNTED,
    check_learned,
    check_writer,
    reads_answer,
    render_prompts,
    show_prompts,
)
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, filled_splits, write_split
from penjing.pipeline.kinds.writing_lesson import score_written, writing_lesson
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import WrittenAnswerRecipe, question_data
from penjing.pipeline.teaching import teacher_folders
from penjing.progress import Progress
from penjing.tasks.loading import load_as
from penjing.tasks.part_loading import assemble_parts
from penjing.tasks.written_answers import WrittenAnswerModel
from penjing.text.prompt_renderer import PromptPairRenderer
from penjing.text.showing import ShownRow
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch


class WrittenAnswerKind(Kind):
    """A question about a text is answered in words; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "language"

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": question_data(recipe)}

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        recipe = _written(recipe)
        what = f"the task {recipe.task} writes answers where it does not find them"
        check_writer(recipe, architecture, what, recipe.render.max_target_tokens, longest)

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_questions(question_data(recipe), recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        renderer, splits = _renderer(recipe, inputs), dict[str, dict[str, int]]()
        for split in filled_splits(inputs["data"]):
            questions, counts = read_questions(inputs["data"], split), dict.fromkeys(COUNTED, 0)
            batches, is_learned = _batches(questions), partial(reads_answer, renderer)
            with progress.bar("examples", len(questions), "questions") as bar:
                rendered = render_prompts(renderer, batches, is_learned, split, counts, bar, progress)
                written = write_split(folder / split, rendered, renderer.tokenizer, renderer.fingerprint)
            check_learned(counts, split, recipe.name)
            splits[split] = {**written, "not_learned": counts["not_learned"]}
        settings = renderer.settings
        return {"max_tokens": settings.max_tokens, "max_target_tokens": settings.max_target_tokens, "splits": splits}

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        renderer = _renderer(recipe, inputs)
        every = (row for some in _batches(read_questions(inputs["data"], "train")) for row in some)
        found = islice((row for row in every if reads_answer(renderer, row)), rows)
        return show_prompts(renderer.tokenizer, renderer.settings, list(found))

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        return architecture.language_model(config)

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        return beside_teacher(writing_lesson(recipe, inputs, tokenizer, network), recipe, network)

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        return score_written(network, batch)

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        recipe = _written(recipe)
        return {
            "render": recipe.render.model_dump(mode="json"),
            "write": recipe.write.model_dump(mode="json"),
            "fingerprint": _renderer(recipe, inputs).fingerprint,
        }

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        recipe = _written(recipe)
        model = _load(recipe, inputs["finetune"] / "model")
        document = measure_answers(recipe, model, inputs["data"], progress)

        def measure() -> dict[str, Any]:
            (folder,) = teacher_folders(recipe)
            return score_answers(recipe, _load(recipe, folder), read_questions(inputs["data"], "test"), progress)

        return Evaluated(with_teacher(document, recipe, measure))

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        recipe = _written(recipe)
        longest = min(recipe.write.max_tokens, recipe.render.max_target_tokens)
        settings = recipe.write.model_copy(update={"max_tokens": longest}).writing
        name, tokenizer = task_of(recipe), load_tokenizer(inputs["tokenizer"])
        cards = {name: {"task": name, **self.card(recipe, inputs, network)}}
        return time_part(recipe, assemble_parts(Path(), cards, network, tokenizer, settings)[name], inputs["data"])


def _written(recipe: Recipe) -> WrittenAnswerRecipe:
    assert isinstance(recipe, WrittenAnswerRecipe)
    return recipe


def _renderer(recipe: Recipe, inputs: Inputs) -> PromptPairRenderer:
    return PromptPairRenderer(load_tokenizer(inputs["tokenizer"]), _written(recipe).render)


def _load(recipe: WrittenAnswerRecipe, folder: Path) -> WrittenAnswerModel:
    """Returns a finished model that writes as the recipe says now."""
    return replace(load_as(WrittenAnswerModel, folder, recipe.device), settings=recipe.write.writing)


def _batches(questions: Sequence[Question]) -> Iterator[list[dict[str, str]]]:
    """Yields questions as rows, with the answer that is to be written."""
    for first in range(0, len(questions), ROWS_AT_ONCE):
        some = questions[first : first + ROWS_AT_ONCE]
        yield [{"text": item.text, "question": item.question, "target": item.written_answer} for item in some]
