"""The models that a recipe names as teachers: found, checked, and described."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from torch import nn

from penjing.data.reading import iter_texts
from penjing.errors import ModelFolderError, RecipeError
from penjing.files import read_json
from penjing.models.config import family_of
from penjing.models.interface import count_parameters, open_config
from penjing.models.meta import meta_device
from penjing.models.weights import CONFIG, read_config
from penjing.pipeline.learned_rows import count_learned, count_learned_events, count_rows_in
from penjing.pipeline.recipe import Recipe, task_of
from penjing.pipeline.recipe_kinds import AnswerRecipe, ItemRecipe, WrittenAnswerRecipe, distilling
from penjing.pipeline.recipe_parts import AnswerPart, MultiRecipe
from penjing.pipeline.start import locate_folder
from penjing.tasks.card import card_task, read_card, writes_answers
from penjing.tasks.model import Model
from penjing.tasks.task import Answers, Task, load_task
from penjing.train.distill_settings import DistillSettings

TEACHERS = "teachers.json"
PARTS = "parts"  # what teachers have said so far, where a killed run goes on
TARGETS = "targets.json"  # how many of what a teacher wrote are learned
#: Which answers of teachers can be learned as which.
_LEARNABLE: Mapping[Answers, frozenset[Answers]] = {
    "label": frozenset({"label", "rank"}),
    "rank": frozenset({"label", "rank"}),
    "set": frozenset({"set"}),
    "text": frozenset({"text"}),
    "continuation": frozenset({"continuation"}),
    "reply": frozenset({"reply", "preferred reply"}),
    "span": frozenset({"span"}),
    "items": frozenset({"items"}),
    "parts": frozenset({"parts"}),
}
_OF_QUESTIONS = AnswerRecipe | WrittenAnswerRecipe | AnswerPart


def teacher_folders(recipe: Recipe) -> list[Path]:
    """Returns the folders named in ``[finetune.distill] teacher``; none without that section.

    Raises:
        RecipeError: one is not there.
    """
    distill = distilling(recipe)
    return [] if distill is None else [locate_folder(at, "[finetune.distill] teacher") for at in distill.teachers]


def teacher_files(recipe: Recipe) -> list[Path]:
    """Returns the files of the teachers: weights, config, tokenizer, card."""
    return [file for folder in teacher_folders(recipe) for file in sorted(folder.iterdir()) if file.is_file()]


def check_teachers(recipe: Recipe) -> None:
    """Checks that the teachers are models whose answers the recipe's model can learn.

    Raises:
        RecipeError: a folder is not there, is no finished model, or answers with something else.
    """
    for folder in teacher_folders(recipe):
        where = f"[finetune.distill] teacher = {folder}"
        try:
            read_config(folder)
            theirs = card_task(read_card(folder), folder)
        except ModelFolderError as error:
            raise RecipeError(error.what, where=where, do="Name the folder model of a finished run.") from error
        own = load_task(task_of(recipe))
        if theirs.answers not in _LEARNABLE[own.answers] or (own.answers == "text" and theirs.name != own.name):
            raise RecipeError(
                f"it is for the task {theirs.name}, and its answers are not those of the task {own.name}",
                where=where,
                do=f"Name a model that was fine-tuned for {own.name}.",
            )
        _check_written(recipe, own, folder, where)


def _check_written(recipe: Recipe, own: Task, folder: Path, where: str) -> None:
    """Refuses a teacher that finds answers where the recipe's model writes them, or the other way round."""
    writes = isinstance(recipe, WrittenAnswerRecipe)
    if own.answers == "span" and writes_answers(read_card(folder)) != writes:
        does = {True: "writes answers", False: "finds answers in texts"}
        raise RecipeError(
            f"it {does[not writes]}, and the model that learns {does[writes]}",
            where=where,
            do=f"Name a teacher that {does[writes]}, or choose a family for [model] as that of the teacher.",
        )


def check_labels(theirs: tuple[str, ...], own: list[str], folder: Path) -> list[int]:
    """Returns the place of each label among those of a teacher.

    Raises:
        RecipeError: they are not the same labels.
    """
    if set(theirs) != set(own):
        raise RecipeError(
            f"the labels of the teacher are {', '.join(theirs)}, and those of [data] are {', '.join(own)}",
            where=f"[finetune.distill] teacher = {folder}",
            do="Name the labels under [data] labels as the teacher's are, or name another teacher.",
        )
    return [theirs.index(label) for label in own]


def describe_teacher(model: Model, network: nn.Module) -> dict[str, Any]:
    """Returns family and size of a teacher."""
    return {"family": family_of(read_config(model.folder)), "parameters": count_parameters(network)}


def describe_folders(recipe: Recipe) -> list[dict[str, Any]]:
    """Returns family and size of teachers that score tokens or find answers, by their configs alone."""
    described = []
    for folder in teacher_folders(recipe):
        architecture, config = open_config(read_config(folder), folder / CONFIG)
        with meta_device():
            finds = architecture.span_scorer if isinstance(recipe, AnswerRecipe) else None
            network = (finds or architecture.language_model)(config)
        described.append({"family": architecture.name, "parameters": count_parameters(network)})
    return described


def read_teachers(inputs: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Returns what was described of the teachers when they were asked."""
    found: list[dict[str, Any]] = read_json(inputs["teach"] / TEACHERS)
    return found


def describe_distillation(recipe: Recipe, inputs: Mapping[str, Path]) -> dict[str, Any]:
    """Returns who taught, how it was learned, and what became of the texts without labels, given and made."""
    distill = distilling(recipe)
    assert distill is not None
    described = {
        "teachers": read_teachers(inputs) if "teach" in inputs else describe_folders(recipe),
        **distill.model_dump(mode="json", exclude={"teacher", "generations", "recipes", "unlabelled", "recombined"}),
    }
    if "teach" in inputs and (targets := inputs["teach"] / TARGETS).is_file():
        described["targets"] = read_json(targets)
    if "unlabelled" in inputs:
        counts = read_json(inputs["unlabelled"] / "counts.json")
        reasons = ("in_evaluation", "containing_evaluation", "in_training", "removed", "duplicates", "left_out")
        kept = ("read", "empty", *reasons, "texts")
        described["unlabelled"] = {name: counts[name] for name in kept}
    if "recombined" in inputs:
        described["recombined"] = read_json(inputs["recombined"] / "counts.json")
    return described


def with_teachers_rows(document: dict[str, Any], recipe: Recipe, data: Path) -> dict[str, Any]:
    """Returns an evaluation in which each teacher has ``learned_rows``: how many test rows it learned from.

    Of such rows it says more than it could of new ones, and its student has learned a part of that.

    Args:
        document: of a model; where nobody taught it, it stays as it is.
        recipe: names the teachers.
        data: the rows of the model, by splits.
    """
    if not isinstance(recipe, MultiRecipe):
        return _with_rows(document, recipe, data, None)
    parts = {name: _with_rows(part, recipe, data / name, name) for name, part in document["parts"].items()}
    return {**document, "parts": parts}


def _with_rows(document: dict[str, Any], recipe: Recipe, data: Path, part: str | None) -> dict[str, Any]:
    """Returns the evaluation of a model, or of a part of one."""
    if "teachers" not in document:
        return document
    folders = teacher_folders(recipe)
    if isinstance(recipe, ItemRecipe):
        return _with_counts(document, [count_learned_events(at, data) for at in folders])
    learner = recipe.parts[part] if isinstance(recipe, MultiRecipe) and part is not None else recipe
    columns = ("question", "text") if isinstance(learner, _OF_QUESTIONS) else ("text",)
    read = (iter_texts(data / "test.parquet", column=column) for column in columns)
    rows = list(zip(*(chain.from_iterable(batches) for batches in read), strict=True))
    if _are_own(recipe):  # they learned from the rows that their student learns from
        known: list[int | None] = [count_rows_in([data / "train.parquet"], rows, columns)] * len(folders)
    else:
        known = [count_learned(at, rows, columns, part) for at in folders]
    return _with_counts(document, known)


def _with_counts(document: dict[str, Any], known: list[int | None]) -> dict[str, Any]:
    found = {str(number): count for number, count in enumerate(known, start=1)}
    teachers = {name: {**scores, "learned_rows": found.get(name)} for name, scores in document["teachers"].items()}
    return {**document, "teachers": teachers}


def _are_own(recipe: Recipe) -> bool:
    """Whether the teachers were trained by the run itself."""
    distill = distilling(recipe)
    return isinstance(distill, DistillSettings) and bool(distill.generations)


def with_known_rows(distill: dict[str, Any] | None, evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns what is known of the teachers, with how many test rows each learned from."""
    if distill is None:
        return None
    scored = [part.get("teachers", {}) for part in evaluation.get("parts", {"": evaluation}).values()]
    learned = [_sum_rows(str(number), scored) for number in range(1, len(distill["teachers"]) + 1)]
    teachers = [{**teacher, "learned_rows": rows} for teacher, rows in zip(distill["teachers"], learned, strict=True)]
    return {**distill, "teachers": teachers}


def _sum_rows(teacher: str, scored: list[dict[str, Any]]) -> int | None:
    """Returns how many test rows of all parts a teacher learned from, as far as it is known."""
    found = [rows for part in scored if (rows := part.get(teacher, {}).get("learned_rows")) is not None]
    return sum(found) if found else None
