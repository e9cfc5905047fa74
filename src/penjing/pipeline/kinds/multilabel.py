"""Rows with any number of labels each: a classifier that scores each label by itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from penjing.data.label_sets import build_label_sets
from penjing.data.reading import LabelSetRows, iter_label_sets, read_label_sets
from penjing.data.settings import RowData
from penjing.evaluate.multilabel import evaluate_multilabel, evaluate_multilabel_baselines, label_flags
from penjing.files import read_json, write_json
from penjing.inference.engine import Engine
from penjing.metrics.multilabel import choose_threshold
from penjing.pipeline.kinds.kind import SPLITS, Evaluated, Inputs, Lesson, Outputs
from penjing.pipeline.kinds.labels import LABELS, LabelKind, read_labels, row_batches, show_texts
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, filled_splits, write_split
from penjing.pipeline.kinds.taught import describe_scored, taught_lesson, teachers_probabilities
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import MultilabelRecipe, multilabel_data
from penjing.pipeline.teaching import read_teachers
from penjing.progress import Progress, Silent, stop_if_asked
from penjing.tasks.loading import load_as
from penjing.tasks.multilabel import sigmoid
from penjing.tasks.multilabel_model import MultilabelModel
from penjing.tasks.task import Flags, MultilabelTask, load_task
from penjing.text.renderer import Rendered, Renderer
from penjing.text.shards import open_shard
from penjing.text.showing import ShownRow
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.objectives.multilabel import MultilabelObjective

_SETS = "sets.json"
_SCORED_ROWS = 512
_FEW_RESAMPLES = 100


class MultilabelKind(LabelKind):
    """A text is answered with any number of labels; see `penjing.pipeline.kinds.kind.Kind`."""

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": multilabel_data(recipe)}

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_label_sets(multilabel_data(recipe), recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        labels: list[str] = read_json(inputs["data"] / "counts.json")["labels"]
        renderer = Renderer(load_tokenizer(inputs["tokenizer"]), recipe.render)
        write_json(folder / LABELS, labels)
        sets: dict[tuple[int, ...], int] = {}
        splits = {}
        for split in filled_splits(inputs["data"]):
            rendered = _rendered(renderer, iter_label_sets(inputs["data"], split, ROWS_AT_ONCE), labels, sets, progress)
            splits[split] = write_split(folder / split, rendered, renderer.tokenizer, renderer.fingerprint)
        write_json(folder / _SETS, list(sets))
        return {"max_tokens": recipe.render.max_tokens, "splits": splits}

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        found = next(iter_label_sets(inputs["data"], "train", rows))
        return show_texts(recipe, inputs, found.texts, [", ".join(labels) or "–" for labels in found.labels])

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        assert isinstance(recipe, MultilabelRecipe)
        settings, sets = recipe.finetune, read_json(inputs["examples"] / _SETS)
        objective = MultilabelObjective(
            sets,
            len(self.labels(inputs)),
            settings.label_smoothing,
            settings.token_dropout,
            tokenizer.mask_id,
            tokenizer.special_ids,
        )
        lesson = Lesson(objective, *row_batches(settings, recipe.finetuning_seed, inputs, tokenizer, network))
        return taught_lesson(lesson, settings.distill, inputs, len(self.labels(inputs)))

    def outputs(self, inputs: Inputs) -> Outputs:
        return Outputs(tuple(self.labels(inputs)), problem_type="multi_label_classification")

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        shard = open_shard(inputs["examples"] / "validation")
        engine = Engine(network, load_tokenizer(inputs["tokenizer"]).pad_id)
        logits = engine.score([shard.row(row).tolist() for row in range(shard.rows)])
        truth = read_members(inputs["examples"])[shard.labels]
        return {**super().card(recipe, inputs, network), "threshold": choose_threshold(truth, sigmoid(logits))}

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        settings, seed = recipe.evaluate, recipe.seed
        model = load_as(MultilabelModel, inputs["finetune"] / "model", recipe.device)
        train, validation, test = _read_splits(inputs)
        measured = evaluate_multilabel(model, test, resamples=settings.resamples, mistakes=settings.mistakes, seed=seed)
        baselines, differences = evaluate_multilabel_baselines(
            model.task,
            model.labels,
            (train, validation, test),
            measured.pop("given"),
            resamples=settings.resamples,
            seed=seed,
            progress=progress,
        )
        taught = {"teachers": _score_teachers(recipe, inputs, (validation, test))} if "teach" in inputs else {}
        return Evaluated({**measured, "baselines": baselines, "difference": differences, **taught})

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        task, labels, shard = multilabel_task(recipe), self.labels(inputs), open_shard(inputs["examples"] / "test")
        scored = min(_SCORED_ROWS, shard.rows)
        engine = Engine(network, load_tokenizer(inputs["tokenizer"]).pad_id)
        began = time.perf_counter()
        engine.score([shard.row(row).tolist() for row in range(scored)])
        seconds = (time.perf_counter() - began) * shard.rows / scored
        splits = _read_splits(inputs)
        given = label_flags(splits[2].labels, labels)
        began = time.perf_counter()
        evaluate_multilabel_baselines(
            task, labels, splits, given, resamples=_FEW_RESAMPLES, seed=recipe.seed, progress=Silent()
        )
        once = time.perf_counter() - began  # fitting the baselines, and the first resamples of each
        began = time.perf_counter()
        task.score(given, given.astype(np.float64), 0.5, labels, _FEW_RESAMPLES, recipe.seed)
        resampling = (time.perf_counter() - began) * recipe.evaluate.resamples / _FEW_RESAMPLES
        return seconds + once + resampling * (1 + 2 * len(task.baselines)), len(given)


def _score_teachers(recipe: Recipe, inputs: Inputs, rows: tuple[LabelSetRows, LabelSetRows]) -> dict[str, Any]:
    """Returns the scores of each teacher, and of all together, on the test rows, with family and size.

    The threshold of each is chosen on the validation rows, as the model's is.
    """
    labels, task, teachers = read_labels(inputs), multilabel_task(recipe), read_teachers(inputs)
    chosen, truth = (label_flags(split.labels, labels) for split in rows)
    validation, test = (teachers_probabilities(inputs, split, sigmoid) for split in ("validation", "test"))
    found = {}
    for name, probabilities in test.items():
        threshold = choose_threshold(chosen, validation[name])
        measured = task.score(truth, probabilities, threshold, labels, recipe.evaluate.resamples, recipe.seed)
        found[name] = {**measured, "threshold": threshold, **describe_scored(name, teachers)}
    return found


def multilabel_task(recipe: Recipe) -> MultilabelTask:
    """Returns the task of a recipe whose answers are sets of labels."""
    task = load_task(task_of(recipe))
    assert isinstance(task, MultilabelTask)
    return task


def _read_splits(inputs: Inputs) -> tuple[LabelSetRows, LabelSetRows, LabelSetRows]:
    train, validation, test = (read_label_sets(inputs["data"], split) for split in SPLITS)
    return train, validation, test


def read_members(examples: Path) -> Flags:
    """Returns whether each label is in each set of the examples, [sets, labels]; a shard has numbers of sets."""
    sets: list[list[int]] = read_json(examples / _SETS)
    flags = np.zeros((len(sets), len(read_json(examples / LABELS))), dtype=np.bool_)
    for row, members in enumerate(sets):
        flags[row, members] = True
    return flags


def _rendered(
    renderer: Renderer,
    batches: Iterable[LabelSetRows],
    labels: list[str],
    sets: dict[tuple[int, ...], int],
    progress: Progress,
) -> Iterator[tuple[list[Rendered], list[int]]]:
    """Yields rows as tokens, each with the number of its set; sets that are new get the next number."""
    column = renderer.columns[0]
    numbers = {label: number for number, label in enumerate(labels)}
    with progress.bar("examples", None) as bar:
        for rows in batches:
            stop_if_asked(progress)
            members = [tuple(sorted(numbers[label] for label in row)) for row in rows.labels]
            found = [sets.setdefault(row, len(sets)) for row in members]
            yield renderer.render([{column: text} for text in rows.texts]), found
            bar.advance(len(rows.texts))
