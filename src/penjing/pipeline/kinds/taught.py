"""Rows that teachers label softly: asked in parts, so that a killed run goes on, and laid beside the rows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from penjing.data.reading import iter_texts
from penjing.data.sieve import TEXTS
from penjing.files import read_json, write_beside, write_json
from penjing.inference.engine import Engine
from penjing.models.device import choose_device, choose_precision
from penjing.models.interface import count_parameters
from penjing.pipeline.kinds.kind import Inputs, Lesson
from penjing.pipeline.kinds.shards import filled_splits, write_split
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.start import architecture_of
from penjing.pipeline.teaching import PARTS, TEACHERS, check_labels, describe_teacher, teacher_folders
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.loading import load_model
from penjing.tasks.quickening import Encoders, quicken, quicken_engine
from penjing.tasks.scoring_model import ScoringModel
from penjing.tasks.task import Probabilities
from penjing.text.renderer import Renderer
from penjing.text.shards import TokenShard, join_shards, open_shard
from penjing.text.tokenizer import load_tokenizer
from penjing.train.batches import RowBatches
from penjing.train.distill_settings import DistillSettings
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.objectives.distillation import DistillationObjective
from penjing.train.settings import RowSettings
from penjing.train.taught_batches import TaughtBatches

UNLABELLED = "unlabelled"
_WITHOUT_LABELS = (UNLABELLED, "recombined")  # stages whose texts are asked about after the training rows
_PART_ROWS = 2048
_TIMED_ROWS = 256
_NO_LABEL = -1
#: Probabilities [rows, labels] of logits.
Activation = Callable[[Probabilities], Probabilities]


def teach_labels(recipe: Recipe, inputs: Inputs, labels: list[str], folder: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with the logits of teachers, ``train.npy`` and so on, [rows, teachers, labels].

    Those of the training rows go on with those of the texts without labels, whose tokens lie in ``unlabelled``. What a
    killed run left of the same work is kept.

    Args:
        recipe: names the teachers, each of which reads the rows in its own way.
        inputs: ``data``, ``tokenizer`` and, where there are texts without labels, ``unlabelled`` or ``recombined``.
        labels: of the model that is taught, in the order of its outputs.
        folder: may hold parts of the work.
        progress: told how many rows were shown.

    Raises:
        RecipeError: a teacher has other labels.
        Interrupted: the user asked to stop.
    """
    (folder / PARTS).mkdir(exist_ok=True)
    splits, described, asked = filled_splits(inputs["data"]), [], 0
    for number, at in enumerate(teacher_folders(recipe)):
        model = _load_teacher(at, recipe)
        places = check_labels(model.labels, labels, at)
        described.append(describe_teacher(model, model.engine.network))
        for split in splits:
            with progress.bar(f"teacher {number + 1}, {split}", None) as bar:
                for part, texts in enumerate(asked_texts(inputs, split, _PART_ROWS)):
                    stop_if_asked(progress)
                    _score_part(model, texts, places, _part(folder, split, number, part))
                    asked += len(texts)
                    bar.advance(len(texts))
    for split in splits:
        _join_parts(folder, split, len(described))
    write_json(folder / TEACHERS, described)
    if has_unlabelled(inputs):
        _render_unlabelled(recipe, inputs, folder / UNLABELLED)
    return {"rows": asked // len(described), "teachers": described}


def _load_teacher(folder: Path, recipe: Recipe) -> ScoringModel:
    """Returns a teacher that answers fast, in the precision of the run where it has a choice."""
    model, settings = load_model(folder, recipe.finetune.device), recipe.finetune
    assert isinstance(model, ScoringModel)
    return cast("ScoringModel", quicken(model, _precision(settings, model.engine.device)))


def _precision(settings: RowSettings, device: torch.device) -> Encoders:
    return "bf16" if choose_precision(settings.precision, device) == torch.bfloat16 else "fp32"


def asked_texts(inputs: Inputs, split: str, rows: int) -> Iterator[list[str]]:
    """Yields the texts of a split that a teacher is asked about; of the training rows, then those without labels.

    The parts are always the same, for which rows are padded together decides the last bits.

    Args:
        inputs: ``data`` and, where there are texts without labels, ``unlabelled`` or ``recombined``.
        split: a file of ``data``; none that is not there.
        rows: of a part.
    """
    path = inputs["data"] / f"{split}.parquet"
    batches = iter_texts(path) if path.is_file() else iter(())
    if split == "train":
        batches = chain(batches, _iter_unlabelled(inputs))
    texts = chain.from_iterable(batches)
    while part := list(islice(texts, rows)):
        yield part


def _iter_unlabelled(inputs: Inputs) -> Iterator[list[str]]:
    """Yields the texts without labels in batches: those that are given, then those that are made."""
    for name in _WITHOUT_LABELS:
        if name in inputs:
            yield from iter_texts(inputs[name] / TEXTS)


def _part(folder: Path, split: str, teacher: int, part: int) -> Path:
    return folder / PARTS / f"{split}-{teacher}-{part:06d}.npy"


def _score_part(model: ScoringModel, texts: list[str], places: list[int], path: Path) -> None:
    if path.is_file():
        return
    logits, _ = model.score_texts(texts)
    _save(path, logits[:, places].astype(np.float32))


def _save(path: Path, values: NDArray[np.float32]) -> None:
    with write_beside(path) as beside, beside.open("wb") as file:
        np.save(file, values)


def _join_parts(folder: Path, split: str, teachers: int) -> None:
    each = [
        np.concatenate([np.load(path) for path in sorted((folder / PARTS).glob(f"{split}-{number}-*.npy"))])
        for number in range(teachers)
    ]
    _save(folder / f"{split}.npy", np.stack(each, axis=1))


def _render_unlabelled(recipe: Recipe, inputs: Inputs, folder: Path) -> None:
    """Writes the texts without labels as a shard, as the model that is taught reads them."""
    renderer = Renderer(load_tokenizer(inputs["tokenizer"]), recipe.render)
    column = renderer.columns[0]
    shutil.rmtree(folder, ignore_errors=True)
    rendered = (
        (renderer.render([{column: text} for text in texts]), [_NO_LABEL] * len(texts))
        for texts in _iter_unlabelled(inputs)
    )
    write_split(folder, rendered, renderer.tokenizer, renderer.fingerprint)


def training_rows(distill: DistillSettings | None, inputs: Inputs) -> TokenShard:
    """Returns the training rows, and after them those without a label.

    In a plan the teachers have not been asked yet; rows like the training rows stand for what they will be asked about.
    """
    shard = open_shard(inputs["examples"] / "train")
    if distill is None or not has_unlabelled(inputs):
        return shard
    if "teach" in inputs:
        return join_shards(shard, open_shard(inputs["teach"] / UNLABELLED))
    return join_shards(shard, like_rows(shard, count_unlabelled(inputs)))


def like_rows(shard: TokenShard, count: int) -> TokenShard:
    """Returns so many rows, those of a shard again and again, without labels."""
    rows = shard.take(np.arange(count) % shard.rows)
    return replace(rows, labels=np.full(count, _NO_LABEL))


def has_unlabelled(inputs: Inputs) -> bool:
    """Returns whether there are texts without labels, given or made."""
    return any(name in inputs for name in _WITHOUT_LABELS)


def count_unlabelled(inputs: Inputs) -> int:
    """Returns how many texts without labels there are, given and made."""
    counts = (read_json(inputs[name] / "counts.json") for name in _WITHOUT_LABELS if name in inputs)
    return sum(found["texts"] for found in counts)


def taught_lesson(lesson: Lesson, distill: DistillSettings | None, inputs: Inputs, labels: int) -> Lesson:
    """Returns a lesson with teachers beside the labels; without ``[finetune.distill]`` as it was.

    Args:
        lesson: of the labels, from `training_rows`.
        distill: how the teachers' answers are learned.
        inputs: ``teach``, except in a plan.
        labels: how many there are.
    """
    if distill is None:
        return lesson
    learned, rows = cast("ClassificationObjective", lesson.objective), cast("RowBatches", lesson.batches)
    if "teach" in inputs:
        logits = np.load(inputs["teach"] / "train.npy", mmap_mode="r")
    else:
        logits = np.zeros((training_rows(distill, inputs).rows, distill.teacher_count, labels), dtype=np.float32)
    objective = DistillationObjective(learned, distill.temperature, distill.weight)
    return Lesson(objective, TaughtBatches(rows, logits), lesson.validation)


def time_teachers(recipe: Recipe, inputs: Inputs, labels: list[str]) -> tuple[float, dict[str, Any]]:
    """Returns about how many seconds the teachers take, how many rows they are asked about, and who they are."""
    rows = _count_asked(inputs)
    some, seconds, described = next(asked_texts(inputs, "train", _TIMED_ROWS), []), 0.0, []
    for at in teacher_folders(recipe):
        model = _load_teacher(at, recipe)
        check_labels(model.labels, labels, at)
        described.append(describe_teacher(model, model.engine.network))
        model.score_texts(some[:8])
        began = time.perf_counter()
        model.score_texts(some)
        seconds += (time.perf_counter() - began) * rows / len(some)
    return seconds, {"rows": rows, "teachers": described}


def time_own_teachers(recipe: Recipe, inputs: Inputs, network: nn.Module, models: int) -> tuple[float, dict[str, Any]]:
    """Returns the same of so many teachers that a run will train itself, by a fresh network of their kind."""
    shard, rows = open_shard(inputs["examples"] / "train"), _count_asked(inputs)
    device = choose_device(recipe.finetune.device)
    plain = Engine(network.to(device), load_tokenizer(inputs["tokenizer"]).pad_id)
    engine = quicken_engine(plain, _precision(recipe.finetune, device))
    some = [shard.row(row).tolist() for row in range(min(_TIMED_ROWS, shard.rows))]
    engine.score(some[:8])
    began = time.perf_counter()
    engine.score(some)
    seconds = (time.perf_counter() - began) * rows / len(some) * models
    family, parameters = architecture_of(recipe).name, count_parameters(network)
    return seconds, {"rows": rows, "teachers": [{"family": family, "parameters": parameters}] * models}


def _count_asked(inputs: Inputs) -> int:
    """Returns how many texts a teacher is asked about."""
    counts = read_json(inputs["data"] / "counts.json")["splits"]
    return int(sum(split["rows"] for split in counts.values()) + count_unlabelled(inputs))


def teachers_probabilities(inputs: Inputs, split: str, activation: Activation) -> dict[str, Probabilities]:
    """Returns what each teacher says of a split, by its number from 1, and with several what they say together."""
    logits = np.load(inputs["teach"] / f"{split}.npy").astype(np.float64)
    each = [activation(logits[:, number]) for number in range(logits.shape[1])]
    found = {str(number): probabilities for number, probabilities in enumerate(each, start=1)}
    return found if len(each) == 1 else {**found, "all": np.mean(each, axis=0)}


def describe_scored(name: str, teachers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns family and size of the teacher, or of all, that scores are of."""
    if name != "all":
        return dict(teachers[int(name) - 1])
    families = dict.fromkeys(teacher["family"] for teacher in teachers)
    return {"family": ", ".join(families), "parameters": sum(teacher["parameters"] for teacher in teachers)}
