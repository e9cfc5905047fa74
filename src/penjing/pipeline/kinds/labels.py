"""Rows with a label each: a classifier."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn

from penjing.data.label_settings import LabelledData
from penjing.data.labelled import build_labelled
from penjing.data.reading import SplitRows, iter_split, read_split
from penjing.data.settings import RowData
from penjing.errors import RecipeError
from penjing.evaluate.evaluation import (
    LabelledTexts,
    Labeller,
    class_numbers,
    evaluate_baselines,
    evaluate_model,
    known_classes,
)
from penjing.files import read_json, write_json
from penjing.inference.engine import Engine
from penjing.models.config import Head
from penjing.models.interface import Architecture
from penjing.models.lstm import LstmForSequenceClassification
from penjing.pipeline.kinds.kind import SPLITS, Evaluated, Inputs, Kind, Lesson, Outputs
from penjing.pipeline.kinds.shards import ROWS_AT_ONCE, check_positions, filled_splits, with_room, write_split
from penjing.pipeline.kinds.taught import (
    describe_scored,
    taught_lesson,
    teach_labels,
    teachers_probabilities,
    time_teachers,
    training_rows,
)
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import LabelRecipe, labelled_data
from penjing.pipeline.teaching import read_teachers
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.baselines import MOST_ROWS
from penjing.tasks.classify import softmax
from penjing.tasks.label_model import LabelModel
from penjing.tasks.loading import load_as
from penjing.tasks.task import LabelTask, load_task
from penjing.text.renderer import Rendered, Renderer
from penjing.text.shards import open_shard
from penjing.text.showing import ShownRow, show_row
from penjing.text.tokenizer import Tokenizer, load_tokenizer
from penjing.train.batches import Batch, RowBatches
from penjing.train.contrastive_batches import ContrastiveBatches
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.objectives.contrastive import ContrastiveObjective, compare_by_cosine, compare_by_supervision
from penjing.train.settings import ContrastiveSettings, FinetuneSettings

LABELS = "labels.json"
_SCORED_ROWS = 512
_BASELINE_ROWS = 2000


class LabelKind(Kind):
    """A text is answered with one of several labels; see `penjing.pipeline.kinds.kind.Kind`."""

    head: Head = "classifier"
    objective: ClassVar[type[ClassificationObjective]] = ClassificationObjective

    def data_settings(self, recipe: Recipe) -> Mapping[str, RowData]:
        return {"data": self.labelled(recipe)}

    def labelled(self, recipe: Recipe) -> LabelledData:
        """Returns ``[data]`` with the names that the task has for labels."""
        data, names = labelled_data(recipe), label_task(recipe).label_names
        if data.labels is not None or names is None:
            return data
        return data.model_copy(update={"labels": names if isinstance(names, dict) else dict(names)})

    def check_network(self, recipe: Recipe, architecture: Architecture, longest: int | None) -> None:
        if architecture.ranks_items:
            raise RecipeError(
                f"the task {recipe.task} labels texts, and {architecture.name} ranks items",
                where=recipe.name,
                do='Choose another family, such as "bert", or the task recommend.',
            )
        check_positions(recipe, recipe.render.max_tokens, "max_tokens", longest)

    def build_data(self, recipe: Recipe, folder: Path, progress: Progress) -> dict[str, Any]:
        return build_labelled(self.labelled(recipe), recipe.seed, folder, progress)

    def write_examples(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        counts = read_json(inputs["data"] / "counts.json")
        labels: list[str] = counts["labels"]
        renderer = Renderer(load_tokenizer(inputs["tokenizer"]), recipe.render)
        write_json(folder / LABELS, labels)
        splits = {}
        for split in filled_splits(inputs["data"]):
            rendered = _rendered(renderer, iter_split(inputs["data"], split, ROWS_AT_ONCE), labels, progress)
            splits[split] = write_split(folder / split, rendered, renderer.tokenizer, renderer.fingerprint)
        return {"max_tokens": recipe.render.max_tokens, "splits": splits}

    def show(self, recipe: Recipe, inputs: Inputs, rows: int) -> list[ShownRow]:
        found = next(iter_split(inputs["data"], "train", rows))
        return show_texts(recipe, inputs, found.texts, found.labels)

    def make_network(self, architecture: Architecture, config: Any, inputs: Inputs) -> nn.Module:
        return architecture.classifier(config, len(self.outputs(inputs).names))

    def make_lesson(self, recipe: Recipe, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module) -> Lesson:
        assert isinstance(recipe, LabelRecipe)
        settings = recipe.finetune
        if settings.contrastive is not None:
            examples = _contrasted(recipe, inputs["examples"], tokenizer.pad_id)
            return Lesson(_contrast(settings.contrastive), examples, None)
        objective = self.objective(
            settings.label_smoothing, settings.token_dropout, tokenizer.mask_id, tokenizer.special_ids
        )
        lesson = Lesson(objective, *row_batches(settings, recipe.finetuning_seed, inputs, tokenizer, network))
        return taught_lesson(lesson, settings.distill, inputs, len(self.labels(inputs)))

    def teach(self, recipe: Recipe, inputs: Inputs, folder: Path, progress: Progress) -> dict[str, Any]:
        return teach_labels(recipe, inputs, read_labels(inputs), folder, progress)

    def probe_teaching(self, recipe: Recipe, inputs: Inputs) -> tuple[float, dict[str, Any]]:
        return time_teachers(recipe, inputs, read_labels(inputs))

    def score(self, network: nn.Module, batch: Batch) -> Tensor:
        logits: Tensor = network(batch.ids, batch.mask)
        return logits

    def labels(self, inputs: Inputs) -> list[str]:
        found: list[str] = read_json(inputs["examples"] / LABELS)
        return found

    def outputs(self, inputs: Inputs) -> Outputs:
        return Outputs(tuple(self.labels(inputs)))

    def card(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> dict[str, Any]:
        tokenizer = load_tokenizer(inputs["tokenizer"])
        return {
            "labels": self.labels(inputs),
            "render": recipe.render.model_dump(mode="json"),
            "fingerprint": Renderer(tokenizer, recipe.render).fingerprint,
        }

    def load(self, recipe: Recipe, inputs: Inputs) -> LabelModel:
        """Returns the finished model."""
        return load_as(LabelModel, inputs["finetune"] / "model", recipe.device)

    def evaluate(self, recipe: Recipe, inputs: Inputs, progress: Progress) -> Evaluated:
        model = self.load(recipe, inputs)
        measured = measure_labels(recipe, model, inputs["data"], progress)
        taught = {"teachers": _score_teachers(recipe, inputs)} if "teach" in inputs else {}
        return Evaluated({**measured, **taught})

    def probe_evaluation(self, recipe: Recipe, inputs: Inputs, network: nn.Module) -> tuple[float, int]:
        shard = open_shard(inputs["examples"] / "test")
        scored = min(_SCORED_ROWS, shard.rows)
        engine = Engine(network, load_tokenizer(inputs["tokenizer"]).pad_id)
        seconds = _time(lambda: engine.score([shard.row(row).tolist() for row in range(scored)])) * shard.rows / scored
        return seconds + self.probe_baselines(recipe, inputs), shard.rows

    def probe_baselines(self, recipe: Recipe, inputs: Inputs) -> float:
        """Returns about how many seconds baselines and intervals take."""
        seconds, task, labels = 0.0, label_task(recipe), self.labels(inputs)
        train, validation, test = (read_split(inputs["data"], split) for split in SPLITS)
        rows = min(_BASELINE_ROWS, len(train.texts))
        texts, classes = train.texts[:rows], class_numbers(train.labels[:rows], labels)
        chosen = validation.texts, known_classes(validation.labels, labels)
        asked = test.texts[:_SCORED_ROWS]
        for name, fit in task.baselines.items():
            began = time.perf_counter()
            baseline = fit(texts, classes, *chosen, labels)
            read = min(len(train.texts), MOST_ROWS.get(name, len(train.texts)))
            seconds += (time.perf_counter() - began) * max(read, rows) / rows
            if baseline is not None:
                seconds += _time(partial(baseline.probabilities, asked)) * len(test.texts) / len(asked)
        truth = class_numbers(test.labels, labels)
        even = np.random.default_rng(0).dirichlet(np.ones(len(labels)), len(truth))
        once = _time(lambda: task.score(truth, even, labels, recipe.evaluate.resamples, recipe.seed))
        return seconds + once * (1 + len(task.baselines))


def _contrast(settings: ContrastiveSettings) -> ContrastiveObjective:
    if settings.objective == "cosine":
        return ContrastiveObjective(compare_by_cosine)
    return ContrastiveObjective(compare_by_supervision(settings.temperature))


def _contrasted(recipe: LabelRecipe, examples: Path, pad_id: int) -> ContrastiveBatches:
    settings = recipe.finetune
    assert settings.contrastive is not None
    batches = settings.contrastive.steps * settings.accumulate
    shard = open_shard(examples / "train")
    return ContrastiveBatches(
        shard, pad_id, settings.batch_tokens, settings.batch_rows, batches, recipe.finetuning_seed
    )


def _score_teachers(recipe: Recipe, inputs: Inputs) -> dict[str, Any]:
    """Returns the scores of each teacher, and of all together, on the test rows, with family and size."""
    labels, task, teachers = read_labels(inputs), label_task(recipe), read_teachers(inputs)
    truth = class_numbers(read_split(inputs["data"], "test").labels, labels)
    return {
        name: {
            **task.score(truth, probabilities, labels, recipe.evaluate.resamples, recipe.seed),
            **describe_scored(name, teachers),
        }
        for name, probabilities in teachers_probabilities(inputs, "test", softmax).items()
    }


def read_labels(inputs: Inputs) -> list[str]:
    """Returns the labels that the rows have, in order; they are those of the model."""
    found: list[str] = read_json(inputs["data"] / "counts.json")["labels"]
    return found


def measure_labels(recipe: Recipe, model: Labeller, data: Path, progress: Progress) -> dict[str, Any]:
    """Returns what a model and the baselines are worth on the labelled test rows of a folder."""
    settings, seed = recipe.evaluate, recipe.seed
    train, validation, test = (LabelledTexts(*read_split(data, split)) for split in SPLITS)
    with progress.bar("evaluate", 2, "models") as bar:
        measured = score_labels(recipe, model, test)
        bar.advance(1)
        stop_if_asked(progress)
        baselines, differences = evaluate_baselines(
            model, train, validation, test, measured.pop("correct"), resamples=settings.resamples, seed=seed
        )
        bar.advance(1)
    return {**measured, "baselines": baselines, "difference": differences}


def score_labels(recipe: Recipe, model: Labeller, test: LabelledTexts) -> dict[str, Any]:
    """Returns what a model alone is worth on labelled rows, and which of them are ``correct``."""
    settings = recipe.evaluate
    return evaluate_model(model, test, resamples=settings.resamples, mistakes=settings.mistakes, seed=recipe.seed)


def label_task(recipe: Recipe) -> LabelTask:
    """Returns the task of a recipe whose answers are labels."""
    task = load_task(task_of(recipe))
    assert isinstance(task, LabelTask)
    return task


def row_batches(
    settings: FinetuneSettings, seed: int, inputs: Inputs, tokenizer: Tokenizer, network: nn.Module
) -> tuple[RowBatches, RowBatches | None]:
    """Returns the batches of the training and of the validation rows; None where there are none to choose by."""
    training, validation = (
        RowBatches(
            training_rows(settings.distill, inputs) if split == "train" else open_shard(inputs["examples"] / split),
            tokenizer.pad_id,
            settings.batch_tokens,
            settings.batch_rows if split == "train" else 8 * settings.batch_rows,
            seed,
            shuffled=split == "train",
            few_lengths=not isinstance(network, LstmForSequenceClassification),
        )
        if (inputs["examples"] / split).is_dir()
        else None
        for split in ("train", "validation")
    )
    assert training is not None
    return training, validation


def show_texts(recipe: Recipe, inputs: Inputs, texts: Sequence[str], labels: Sequence[str]) -> list[ShownRow]:
    """Returns texts as they are learned from, each with its label in words."""
    tokenizer = load_tokenizer(inputs["tokenizer"])
    renderers = (Renderer(tokenizer, settings) for settings in (recipe.render, with_room(recipe.render)))
    kept, whole = (renderer.render([{renderer.columns[0]: text} for text in texts]) for renderer in renderers)
    return [show_row(tokenizer, *row) for row in zip(kept, whole, labels, strict=True)]


def _rendered(
    renderer: Renderer, batches: Iterable[SplitRows], labels: list[str], progress: Progress
) -> Iterator[tuple[list[Rendered], list[int]]]:
    column = renderer.columns[0]
    numbers = {label: number for number, label in enumerate(labels)}
    with progress.bar("examples", None) as bar:
        for rows in batches:
            stop_if_asked(progress)
            yield renderer.render([{column: text} for text in rows.texts]), [numbers[label] for label in rows.labels]
            bar.advance(len(rows.texts))


def _time(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
