"""What a teacher writes to texts: asked in parts, so that a killed run goes on, and laid out to be learned.

Sequence-level distillation (Kim & Rush 2016, arXiv 1606.07947): the student learns the likeliest text of its teacher,
which is easier to learn than what people wrote, for it says the same things in fewer ways.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from penjing.data.reading import read_pairs
from penjing.errors import DataError
from penjing.files import read_json, write_json
from penjing.inference.writing_settings import WritingSettings
from penjing.pipeline.kinds.kind import Inputs
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, write_split
from penjing.pipeline.kinds.taught import asked_texts, count_unlabelled, describe_scored
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import WritingRecipe
from penjing.pipeline.teaching import PARTS, TARGETS, TEACHERS, describe_teacher, read_teachers, teacher_folders
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.loading import load_as
from penjing.tasks.task import WritingTask
from penjing.tasks.writing_model import WritingModel
from penjing.text.pair_renderer import PairRenderer
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, join_shards, open_shard
from penjing.text.tokenizer import load_tokenizer

_PART_ROWS = 512
_TIMED_ROWS = 32
_LEARNED = ("train", "validation")  # to choose by people's targets would end the learning of a teacher's too early
_ASKED = (*_LEARNED, "test")
#: A text, what was written to it, and whether that was ended.
_Written = tuple[str, str, bool]


def teach_targets(recipe: WritingRecipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with what the teacher writes: the shards ``train`` and ``validation``, and ``test.json``.

    The training texts are followed by those without targets. What the teacher did not end, and what is empty, is not
    learned, and counted. What a killed run left of the same work is kept.

    Args:
        recipe: names the teacher.
        inputs: ``data``, ``tokenizer`` and, where there are texts without targets, ``unlabelled`` or ``recombined``.
        folder: may hold parts of the work.
        progress: told how many texts were answered.

    Returns:
        ``rows`` that were asked about, ``teachers``, and of the ``targets`` of training texts how many are learned, and
        how many are not.

    Raises:
        DataError: nothing that the teacher wrote can be learned.
        Interrupted: the user asked to stop.
    """
    (folder / PARTS).mkdir(exist_ok=True)
    model, settings = _teacher(recipe)
    rows = 0
    for split in _ASKED:
        for part, texts in enumerate(asked_texts(inputs, split, _PART_ROWS)):
            stop_if_asked(progress)
            path = folder / PARTS / f"{split}-{part:06d}.json"
            if not path.is_file():
                answers = model.write(texts, settings, progress)
                write_json(path, [[item.text, item.written, item.is_complete] for item in answers])
            rows += len(texts)
    write_json(folder / "test.json", [written for _, written, _ in _read_parts(folder, "test")])
    counts = _write_shards(recipe, inputs, folder)
    described = [describe_teacher(model, model.network)]
    write_json(folder / TEACHERS, described)
    write_json(folder / TARGETS, counts)
    return {"rows": rows, "teachers": described, "targets": counts}


def _teacher(recipe: WritingRecipe) -> tuple[WritingModel, WritingSettings]:
    """Returns the teacher, and how it writes: as it always does, or with other beams."""
    model = load_as(WritingModel, teacher_folders(recipe)[0], recipe.finetune.device)
    distill = recipe.finetune.distill
    assert distill is not None
    return model, model.settings if distill.beams is None else replace(model.settings, beams=distill.beams)


def _read_parts(folder: Path, split: str) -> Iterator[_Written]:
    for path in sorted((folder / PARTS).glob(f"{split}-*.json")):
        yield from read_json(path)


def _write_shards(recipe: WritingRecipe, inputs: Inputs, folder: Path) -> dict[str, int]:
    """Writes the shards of what can be learned; returns how many targets that are in training, and what was left out.

    Raises:
        DataError: none can.
    """
    renderer = PairRenderer(load_tokenizer(inputs["tokenizer"]), recipe.render)
    counts = {split: _write_shard(renderer, folder, split) for split in _LEARNED}["train"]
    if not counts["learned"]:
        raise DataError(
            f"of {sum(counts.values()):,} targets that the teacher wrote none can be learned: {counts['unfinished']:,} "
            f"are not ended, {counts['empty']:,} are empty",
            where="[finetune.distill] teacher",
            do="Name a teacher that has learned to write, or raise [write] max_tokens in its recipe.",
        )
    return counts


def _write_shard(renderer: PairRenderer, folder: Path, split: str) -> dict[str, int]:
    """Writes what can be learned of a split, no shard where that is nothing; returns what became of its targets."""
    counts = dict.fromkeys(("learned", "unfinished", "empty"), 0)

    def kept() -> Iterator[dict[str, str]]:
        for text, written, is_complete in _read_parts(folder, split):
            key = "unfinished" if not is_complete else "learned" if written.strip() else "empty"
            counts[key] += 1
            if key == "learned":
                yield {"text": text, "target": written}

    def rendered() -> Iterator[tuple[list[Rendered], list[int]]]:
        rows = kept()
        while some := list(islice(rows, ROWS_AT_ONCE)):
            pairs = renderer.render(some)
            yield [pair.joined for pair in pairs], [len(pair.read.ids) for pair in pairs]

    shutil.rmtree(folder / split, ignore_errors=True)
    try:
        write_split(folder / split, rendered(), renderer.tokenizer, renderer.fingerprint)
    except DataError:
        if counts["learned"]:
            raise
        shutil.rmtree(folder / split)
    return counts


def taught_pairs(recipe: WritingRecipe, inputs: Inputs, split: str) -> TokenShard | None:
    """Returns the pairs of a split that the teacher wrote, and perhaps the true ones before them; None: the true alone.

    In a plan the teacher has not been asked yet; rows like those of the split stand for what it will write.
    """
    distill = recipe.finetune.distill
    if distill is None or not (inputs["examples"] / split).is_dir():
        return None
    true = open_shard(inputs["examples"] / split)
    if "teach" not in inputs:
        more = count_unlabelled(inputs) if split == "train" else 0
        written = true.take(np.arange(true.rows + more) % true.rows)
    elif (inputs["teach"] / split).is_dir():
        written = open_shard(inputs["teach"] / split)
    else:
        return None
    return join_shards(true, written) if distill.truth else written


def score_teacher(task: WritingTask, recipe: Recipe, inputs: Inputs) -> dict[str, Any]:
    """Returns the scores of what the teacher wrote to the test texts, with its family and size."""
    test = read_pairs(inputs["data"], "test")
    written: list[str] = read_json(inputs["teach"] / "test.json")
    scores = task.score(written, test.references, test.texts, recipe.evaluate.resamples, recipe.seed)
    return {"1": {**scores, **describe_scored("1", read_teachers(inputs))}}


def time_writing(recipe: WritingRecipe, inputs: Inputs) -> tuple[float, dict[str, Any]]:
    """Returns about how many seconds the teacher takes, how many texts it is asked about, and who it is."""
    counts = read_json(inputs["data"] / "counts.json")["splits"]
    rows = sum(counts[split]["rows"] for split in _ASKED) + count_unlabelled(inputs)
    model, settings = _teacher(recipe)
    some = next(asked_texts(inputs, "train", _TIMED_ROWS), [])
    model.write(some[:2], settings)
    began = time.perf_counter()
    model.write(some, settings)
    seconds = (time.perf_counter() - began) * rows / len(some)
    return seconds, {"rows": rows, "teachers": [describe_teacher(model, model.network)]}
