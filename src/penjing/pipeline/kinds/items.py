"""Rows that are events: a model that ranks what a user may have next."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from penjing.data.event_settings import EventData
from penjing.data.events import ITEMS, build_events
from penjing.data.histories import (
    read_catalog,
    read_cold_catalog,
    read_cold_questions,
    read_questions,
    read_training,
)
from penjing.data.settings import RowData
from penjing.errors import RecipeError
from penjing.evaluate.ranking import evaluate_cold, evaluate_ranking, evaluate_ranking_baselines, rank_all
from penjing.inference.ranking import RankingEngine
from penjing.inference.text_vectors import TextEncoder
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.models.two_tower import TWO_TOWER, TwoTower
from penjing.pipeline.kinds.beside_teacher import beside_item_teacher, item_teacher, with_teacher
from penjing.pipeline.kinds.kind import Evaluated, Inputs, Kind, Lesson
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import ItemRecipe, batch_teaching
from penjing.pipeline.start import encoder_folder
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.tasks.item_files import ENCODER, TEXTS, read_texts, write_texts
from penjing.tasks.item_model import ItemModel, pad_tokens
from penjing.tasks.loading import load_as
from penjing.tasks.task import ItemTask, load_task
from penjing.text.item_renderer import HistoryRow, ItemRenderer
from penjing.text.renderer import Rendered
from penjing.text.shards import open_shard, write_shard
from penjing.text.showing import ShownRow, ShownToken
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED
from penjing.train.objectives.in_batch import InBatchObjective
from penjing.train.objectives.writing import ContinuationObjective
from penjing.train.pair_batches import ContinuationBatches, PairLimits

_PROBED_ROWS = 128


class ItemKind(Kind):
    """A history is answered with items; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "language"
    counted: ClassVar = "items"

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": _settings(recipe)}

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        if not architecture.ranks_items:
            raise RecipeError(
                f"the task {recipe.task} ranks items, and {architecture.name} cannot",
                where=recipe.name,
                do='Choose the family "sasrec", which learns items by their ids and texts, or "two_tower", which knows '
                "their texts alone; a text encoder is named in [model] text_encoder.",
            )
        if architecture is TWO_TOWER and batch_teaching(recipe) is not None:
            raise RecipeError(
                "two_tower learns among the items of each batch, and not how probable a teacher finds each of all",
                where=f"{recipe.name}, [finetune.distill]",
                do='Choose the family "sasrec", or leave the section out; a two_tower can teach.',
            )
        encoder_folder(recipe)
        items = _recipe(recipe).render.max_items
        if longest is not None and items > longest:
            raise RecipeError(
                f"[render] max_items is {items}, but the model has {longest} positions",
                where=recipe.name,
                do="Lower max_items, or raise max_position_embeddings in [model.shape].",
            )

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_events(_settings(recipe), recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        renderer, data = _renderer(recipe, inputs), inputs["data"]
        shutil.copy2(data / ITEMS, folder / ITEMS)
        catalog = read_catalog(folder / ITEMS)
        facts = _write_texts(recipe, renderer, catalog.texts, folder)
        rows: dict[str, Iterable[HistoryRow]] = {
            "train": (row for items in read_training(data) for row in renderer.training_rows(items))
        }
        for split in ("validation", "test"):
            asked = read_questions(data, split)
            rows[split] = map(renderer.question_row, asked.histories, asked.targets.tolist())
        splits = {
            split: _write_split(folder / split, part, len(catalog.ids), renderer, progress)
            for split, part in rows.items()
        }
        settings = renderer.settings
        return {"max_tokens": settings.max_tokens, "max_items": settings.max_items, "texts": facts, "splits": splits}

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        renderer, texts = _renderer(recipe, inputs), read_catalog(inputs["data"] / ITEMS).texts
        learned = (row for items in read_training(inputs["data"]) for row in renderer.training_rows(items))
        return [_show_items(row, texts) for row in islice(learned, rows)]

    def shape(self, recipe: Recipe, inputs: Inputs) -> dict[str, Any]:
        texts = read_texts(inputs["examples"])
        width = texts.shape[1] if texts.is_floating_point() else None
        return {"num_items": len(texts) - 1, "text_width": width}

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        network: Any = architecture.language_model(config)
        network.put_texts(read_texts(inputs["examples"]))
        ranker: nn.Module = network
        return ranker

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        settings = recipe.finetune
        training, validation = (
            ContinuationBatches(
                open_shard(inputs["examples"] / split),
                0,
                PairLimits(settings.batch_tokens, settings.batch_rows if split == "train" else 8 * settings.batch_rows),
                recipe.finetuning_seed,
                shuffled=split == "train",
            )
            for split in ("train", "validation")
        )
        catalog = read_catalog(inputs["examples"] / ITEMS)
        if isinstance(network, TwoTower):
            return Lesson(InBatchObjective(np.concatenate([[0], catalog.counts])), training, validation)
        plain = Lesson(ContinuationObjective(settings.label_smoothing), training, validation)
        return beside_item_teacher(plain, recipe, catalog)

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        assert batch.written is not None
        ranker: Any = network
        scores: Tensor = ranker.score(ranker.encode(batch.ids, batch.mask)[batch.written != IGNORED])
        return scores

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        return {
            "render": recipe.render.model_dump(mode="json"),
            "encoder": recipe.text_encoder is not None,
            "fingerprint": _renderer(recipe, inputs).fingerprint,
        }

    def finish_folder(self, recipe: Recipe, inputs: Inputs, folder: Path) -> None:
        for name in (ITEMS, TEXTS):
            shutil.copy2(inputs["examples"] / name, folder / name)
        encoder = encoder_folder(recipe)
        if encoder is not None:
            shutil.copytree(encoder, folder / ENCODER, dirs_exist_ok=True)

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        settings, data = recipe.evaluate, inputs["data"]
        model = load_as(ItemModel, inputs["finetune"] / "model", recipe.device)
        asked = read_questions(data, "test")
        measured, places = evaluate_ranking(
            model,
            asked,
            resamples=settings.resamples,
            examples=settings.mistakes,
            seed=recipe.seed,
            progress=progress,
        )
        baselines, differences = evaluate_ranking_baselines(
            model.task,
            read_training(data),
            model.catalog,
            asked,
            places,
            resamples=settings.resamples,
            seed=recipe.seed,
            progress=progress,
        )
        cold, questions = read_cold_catalog(data), read_cold_questions(data)
        new = {}
        if len(questions.targets):
            options: dict[str, Any] = {"resamples": settings.resamples, "seed": recipe.seed, "progress": progress}
            new = {"cold": evaluate_cold(model, cold, questions, **options)}
        document = {**measured, "baselines": baselines, "difference": differences, **new}

        def measure() -> dict[str, Any]:
            teacher = item_teacher(recipe, model.catalog)
            return evaluate_ranking(
                teacher, asked, resamples=settings.resamples, examples=0, seed=recipe.seed, progress=progress
            )[0]

        return Evaluated(with_teacher(document, recipe, measure))

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        task, renderer = item_task(recipe), _renderer(recipe, inputs)
        catalog, asked = read_catalog(inputs["data"] / ITEMS), read_questions(inputs["data"], "test")
        training, few = read_training(inputs["data"]), asked.take(_PROBED_ROWS)
        model = ItemModel(
            Path(),
            {},
            task,
            renderer=renderer,
            catalog=catalog,
            engine=RankingEngine(network),
            read_texts=lambda texts: torch.zeros(0),
        )
        share, fitting = len(few.targets) / len(asked.targets), 0.0
        ranking = _time(lambda: rank_all(model.rank, few, Silent(), "evaluate"))
        for fit in task.baselines.values():
            began = time.perf_counter()
            baseline = fit(training, catalog)
            fitting += time.perf_counter() - began
            ranking += _time(partial(rank_all, baseline.rank, few, Silent(), "evaluate"))
        return fitting + ranking / share, len(asked.targets)


def item_task(recipe: Recipe) -> ItemTask:
    """Returns the task of a recipe whose answers are items."""
    task = load_task(task_of(recipe))
    assert isinstance(task, ItemTask)
    return task


def _recipe(recipe: Recipe) -> ItemRecipe:
    assert isinstance(recipe, ItemRecipe)
    return recipe


def _settings(recipe: Recipe) -> EventData:
    assert isinstance(recipe.data, EventData)
    return recipe.data


def _renderer(recipe: Recipe, inputs: Inputs) -> ItemRenderer:
    return ItemRenderer(load_tokenizer(inputs["tokenizer"]), _recipe(recipe).render)


def _show_items(row: HistoryRow, texts: Sequence[str]) -> ShownRow:
    """Returns a history with the text of each item as one token."""
    tokens = [
        ShownToken(texts[number - 1], "read" if place < row.given else "learned", is_special=False)
        for place, number in enumerate(row.items.tolist())
    ]
    return ShownRow(tokens, {"read": row.given, "learned": len(tokens) - row.given, "cut": row.cut})


def _write_texts(recipe: Recipe, renderer: ItemRenderer, texts: Sequence[str], folder: Path) -> dict[str, int]:
    """Writes the items' texts as the network takes them, that of padding first; returns what was cut and not known."""
    encoder = encoder_folder(recipe)
    tokenizer = renderer.tokenizer
    if encoder is not None:
        vectors, cut = TextEncoder(encoder, renderer.settings.max_tokens).encode(["", *texts])
        write_texts(folder, torch.from_numpy(vectors))
        return {"cut_rows": sum(count > 0 for count in cut), "cut_tokens": sum(cut), "unknown_tokens": 0, "tokens": 0}
    rendered = renderer.render_texts(texts)
    write_texts(folder, pad_tokens([[], *(row.ids for row in rendered)], tokenizer.pad_id))
    unknown = tokenizer.unknown_id if tokenizer.has_unknown else -1
    return {
        "tokens": sum(len(row.ids) for row in rendered),
        "cut_rows": sum(row.cut_tokens > 0 for row in rendered),
        "cut_tokens": sum(row.cut_tokens for row in rendered),
        "unknown_tokens": sum(row.ids.count(unknown) for row in rendered),
    }


def _write_split(
    folder: Path, rows: Iterable[HistoryRow], items: int, renderer: ItemRenderer, progress: Progress
) -> dict[str, int]:
    """Writes histories as a shard, whose labels say how many items at the beginning are not guessed."""
    folder.mkdir()
    shard = write_shard(
        folder,
        _in_batches(rows, progress),
        vocab_size=items + 1,
        unknown_id=-1,
        fingerprint=renderer.fingerprint,
    )
    return {"rows": shard.rows, "tokens": len(shard.tokens), "cut_rows": shard.cut_rows, "cut_items": shard.cut_tokens}


def _in_batches(rows: Iterable[HistoryRow], progress: Progress) -> Iterator[tuple[list[Rendered], list[int]]]:
    waiting: list[HistoryRow] = []
    with progress.bar("examples", None) as bar:
        for row in rows:
            waiting.append(row)
            if len(waiting) == ROWS_AT_ONCE:
                stop_if_asked(progress)
                yield [item.rendered for item in waiting], [item.given for item in waiting]
                bar.advance(len(waiting))
                waiting = []
        yield [item.rendered for item in waiting], [item.given for item in waiting]


def _time(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
