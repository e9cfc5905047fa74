"""Rows with a label each, answered by the names of labels: a language model, and no head."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from penjing.data.labelled import build_labelled, build_ordered
from penjing.data.reading import iter_split, read_split
from penjing.errors import RecipeError
from penjing.files import read_json, write_json
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.pipeline.kinds.kind import Inputs, Lesson, Outputs
from penjing.pipeline.kinds.labels import LABELS, LabelKind, label_task
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, check_positions, check_rendered, filled_splits, write_split
from penjing.pipeline.kinds.writing_lesson import check_direction, score_written, writing_lesson
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import LabelRecipe
from penjing.pipeline.start import architecture_of, named_folder
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.item_files import ENCODER
from penjing.tasks.label_model import LabelModel
from penjing.tasks.name_files import (
    EXAMPLES,
    choosing_engine,
    make_name_renderer,
    read_example_table,
    write_example_table,
)
from penjing.tasks.name_settings import NameSettings
from penjing.text.name_renderer import Examples, NamePrompt, NameRenderer, check_examples, name_words
from penjing.text.renderer import Rendered
from penjing.text.showing import ShownRow, show_row
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch

_SCORED_ROWS = 32


class NameKind(LabelKind):
    """A text is answered with the label whose name goes on with it best; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "language"

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        names = name_settings(recipe)
        if not architecture.writes_text or architecture.ranks_items:
            raise RecipeError(
                f"[names] lets a model go on with the names of labels, and {architecture.name} does not write",
                where=recipe.name,
                do='Choose a decoder such as "llama", or "lstm" or "t5"; or remove [names].',
            )
        if not names.train and recipe.model.start is None and recipe.pretrain is None:
            raise RecipeError(
                "[names] train = false leaves the model as it is, and this one has learned nothing",
                where=recipe.name,
                do="Name a model in [model] start, add [pretrain], or remove train.",
            )
        if names.train:
            check_direction(recipe, architecture)
        named = self.labelled(recipe).labels
        if named is not None:
            name_words(names.layout, list(named.values() if isinstance(named, dict) else named))
        vectors_folder(recipe)
        if not architecture.is_encoder_decoder:
            check_positions(recipe, recipe.render.max_tokens, "max_tokens", longest)

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        build = build_ordered if label_task(recipe).answers == "rank" else build_labelled
        return build(self.labelled(recipe), recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        names = name_settings(recipe)
        labels = _data_labels(inputs)
        write_json(folder / LABELS, labels)
        examples = _examples(recipe, inputs)
        if names.examples:
            write_example_table(folder, examples)
        renderer = _renderer(recipe, inputs, examples, labels)
        splits = {}
        for split in filled_splits(inputs["data"]):
            rows = _Rows(renderer, inputs["data"], split, progress)
            splits[split] = write_split(folder / split, rows, renderer.tokenizer, renderer.fingerprint) | rows.counts
        facts = {"words": dict(zip(labels, renderer.words, strict=True)), "by": names.by, "train": names.train}
        return {
            "max_tokens": recipe.render.max_tokens,
            "names": {**facts, "examples": names.examples},
            "splits": splits,
        }

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        labels = _data_labels(inputs)
        renderer = _renderer(recipe, inputs, _examples(recipe, inputs), labels)
        found = next(iter_split(inputs["data"], "train", rows))
        prompts = renderer.lay_out(found.texts, range(len(found.texts)))
        shown = []
        for prompt, label in zip(prompts, found.labels, strict=True):
            name = renderer.candidates[labels.index(label)]
            row = _join(prompt, name)
            shown.append(show_row(renderer.tokenizer, row, replace(row, ids=prompt.whole + name), label))
        return shown

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        return architecture.language_model(config)

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        check_rendered(inputs["examples"], self._fingerprint(recipe, inputs))
        return writing_lesson(recipe, inputs, tokenizer, network)

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        return score_written(network, batch)

    def outputs(self, inputs: Inputs) -> Outputs:
        return Outputs()

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        names, labels = name_settings(recipe), self.labels(inputs)
        return {
            "labels": labels,
            "render": recipe.render.model_dump(mode="json"),
            "names": names.layout.model_dump(mode="json"),
            "choice": names.choice.model_dump(mode="json"),
            "seed": recipe.seed,
            "fingerprint": self._fingerprint(recipe, inputs),
        }

    def _fingerprint(self, recipe: Recipe, inputs: Inputs) -> str:
        labels = self.labels(inputs)
        examples = read_example_table(inputs["examples"], len(labels))
        return _renderer(recipe, inputs, examples, labels).fingerprint

    def finish_folder(self, recipe: Recipe, inputs: Inputs, folder: Path) -> None:
        if (inputs["examples"] / EXAMPLES).is_file():
            shutil.copy2(inputs["examples"] / EXAMPLES, folder / EXAMPLES)
        encoder = vectors_folder(recipe)
        if encoder is not None:
            shutil.copytree(encoder, folder / ENCODER, dirs_exist_ok=True)

    def load(self, recipe: Recipe, inputs: Inputs) -> LabelModel:
        model = super().load(recipe, inputs)
        renderer = model.renderer
        assert isinstance(renderer, NameRenderer)
        choice = name_settings(recipe).choice  # which may have changed since
        return replace(model, engine=choosing_engine(model.engine.network, renderer, choice))

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        labels, task, test = self.labels(inputs), label_task(recipe), read_split(inputs["data"], "test")
        renderer = _renderer(recipe, inputs, read_example_table(inputs["examples"], len(labels)), labels)
        engine = choosing_engine(network, renderer, name_settings(recipe).choice)
        model = LabelModel(Path(), {}, task, tuple(labels), renderer, engine)
        some = test.texts[:_SCORED_ROWS]
        began = time.perf_counter()
        model.score_texts(some)
        seconds = (time.perf_counter() - began) * len(test.texts) / len(some)
        return seconds + self.probe_baselines(recipe, inputs), len(test.texts)


class _Rows:
    """The rows of a split as prompts with names, each with the length of its prompt.

    Attributes:
        counts: ``examples`` that stand in prompts, and those ``dropped`` for want of room, as far as rows were read.
    """

    def __init__(self, renderer: NameRenderer, data: Path, split: str, progress: Progress) -> None:
        self._renderer, self._data, self._split, self._progress = renderer, data, split, progress
        self.counts = {"examples": 0, "dropped": 0}

    def __iter__(self) -> Iterator[tuple[list[Rendered], list[int]]]:
        renderer, numbers = self._renderer, {label: number for number, label in enumerate(self._renderer.labels)}
        first = 0
        with self._progress.bar("examples", None) as bar:
            for rows in iter_split(self._data, self._split, ROWS_AT_ONCE):
                stop_if_asked(self._progress)
                own = range(first, first + len(rows.texts)) if self._split == "train" else None
                prompts = renderer.lay_out(rows.texts, own)
                if self._split == "train":
                    check_examples(prompts, renderer.layout, renderer.settings.max_tokens)
                first += len(rows.texts)
                self.counts["examples"] += sum(prompt.examples for prompt in prompts)
                self.counts["dropped"] += sum(prompt.dropped for prompt in prompts)
                names = [renderer.candidates[numbers[label]] for label in rows.labels]
                joined = [_join(prompt, name) for prompt, name in zip(prompts, names, strict=True)]
                yield joined, [len(prompt.rendered.ids) for prompt in prompts]
                bar.advance(len(rows.texts))


def name_settings(recipe: Recipe) -> NameSettings:
    """Returns ``[names]`` of a recipe that has it."""
    assert isinstance(recipe, LabelRecipe)
    assert recipe.names is not None
    return recipe.names


def vectors_folder(recipe: Recipe) -> Path | None:
    """Returns the folder of what compares texts by vectors; None where nothing does.

    Raises:
        RecipeError: there is no such folder.
    """
    return named_folder("[names] vectors", name_settings(recipe).vectors)


def _data_labels(inputs: Inputs) -> list[str]:
    labels: list[str] = read_json(inputs["data"] / "counts.json")["labels"]
    return labels


def _examples(recipe: Recipe, inputs: Inputs) -> Examples:
    """Returns what may stand in prompts: the training rows, or nothing where no examples do."""
    if not name_settings(recipe).examples:
        return Examples((), ())
    train, numbers = read_split(inputs["data"], "train"), {name: n for n, name in enumerate(_data_labels(inputs))}
    return Examples(train.texts, [numbers[label] for label in train.labels])


def _renderer(recipe: Recipe, inputs: Inputs, examples: Examples, labels: list[str]) -> NameRenderer:
    """Returns what makes prompts of such examples."""
    return make_name_renderer(
        load_tokenizer(inputs["tokenizer"]),
        recipe.render,
        name_settings(recipe).layout,
        labels,
        examples,
        seed=recipe.seed,
        reads_apart=architecture_of(recipe).is_encoder_decoder,
        encoder=vectors_folder(recipe),
    )


def _join(prompt: NamePrompt, name: list[int]) -> Rendered:
    """Returns prompt and name one after the other, of which the name is learned."""
    read = prompt.rendered
    return Rendered(read.ids + name, [False] * len(read.ids) + [True] * len(name), read.cut_tokens)
