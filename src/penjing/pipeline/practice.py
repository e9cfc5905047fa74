"""Practice: a run trains its network on rows made of texts first, in one course after another, then on its own rows.

A small network from nothing learns from some thousand rows neither to copy nor to find again in a text what a question
says; from exercises, of which there are as many as texts allow, it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

from penjing.data.question_settings import QuestionData
from penjing.data.settings import PairedData, RowData, Split
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import AnswerRecipe, WritingRecipe, practicing
from penjing.pipeline.stage import Artifact, Stage
from penjing.pipeline.stages.data import DATA
from penjing.pipeline.stages.examples import EXAMPLES
from penjing.pipeline.stages.exercises import EXERCISES, exercises_file
from penjing.pipeline.stages.finetune import PRACTICE

#: Gives the artifact of a stage of a course's recipe, by those before it.
Make = Callable[[Stage, Recipe, dict[str, Artifact], str], Artifact]

_SPLIT = Split(train=0.95, validation=0.05, test=0.0)
_FEWEST_EVALUATIONS = 3
#: Of fine-tuning: what is for few rows, or for those of the recipe alone.
_PLAIN = {"dropout": 0.0, "label_smoothing": 0.0, "patience": 0, "distill": None}
#: The stages that each course has for itself, by what they are to its training.
COURSE_STAGES: Mapping[str, Stage] = {
    DATA.name: replace(DATA, name="practice_rows"),
    EXAMPLES.name: replace(EXAMPLES, name="practice_examples"),
    PRACTICE.name: PRACTICE,
}
_SHARED = ("tokenizer", "vectors", "pretrain")  # what a course has of its run


def make_practice(recipe: Recipe, done: Mapping[str, Artifact], make: Make) -> dict[str, Artifact]:
    """Has each course of a recipe made, or found.

    Args:
        recipe: may have ``[practice]``.
        done: the stages before fine-tuning.
        make: makes or finds a stage of a course, whose name is said to it.

    Returns:
        What the courses left, by names such as ``practice-write_off-data``; the last one's network as ``practice``.
    """
    made, before = dict[str, Artifact](), None
    for course, network in _network_names(recipe).items():
        member, own = course_recipe(recipe, course, done[EXERCISES.name].folder), course_inputs(done, before)
        for role, stage in COURSE_STAGES.items():
            own[role] = make(stage, member, own, course)
        made |= {f"{PRACTICE.name}-{course}-{role}": own[role] for role in (DATA.name, EXAMPLES.name)}
        made[network] = before = own[PRACTICE.name]
    return made


def course_inputs(done: Mapping[str, Artifact], before: Artifact | None) -> dict[str, Artifact]:
    """Returns what a course has of its run, beside its rows: the tokenizer, and what was learned before.

    Args:
        done: the stages of the run.
        before: the network that the course before left; None: there is none.
    """
    shared = {name: done[name] for name in _SHARED if name in done}
    return shared if before is None else {**shared, PRACTICE.name: before}


def _network_names(recipe: Recipe) -> dict[str, str]:
    """Returns what the network is called that each course leaves; the last one's is what fine-tuning reads."""
    practice = practicing(recipe)
    names = list(practice.courses) if practice is not None else []
    return {name: PRACTICE.name if name == names[-1] else f"{PRACTICE.name}-{name}" for name in names}


def course_recipe(recipe: Recipe, course: str, exercises: Path) -> Recipe:
    """Returns the recipe of a course: the run's own, with the rows of the course, and the courses before it.

    Args:
        recipe: of the run, its dial turned.
        course: its name.
        exercises: the folder of the rows.
    """
    practice = practicing(recipe)
    assert practice is not None
    settings = practice.courses[course]
    told: dict[str, Any] = {"epochs": settings.epochs, "learning_rate": settings.learning_rate}
    if settings.batch_tokens is not None:
        told["batch_tokens"] = settings.batch_tokens
    evaluations = max(_FEWEST_EVALUATIONS, ceil(settings.epochs))
    known = type(recipe.finetune).model_fields
    plain = {name: value for name, value in _PLAIN.items() if name in known}
    finetune = recipe.finetune.model_copy(update={**plain, "evaluations": evaluations, **told})
    changed: dict[str, Any] = {
        "data": _rows(recipe, exercises_file(exercises, course)),
        "finetune": finetune,
        "practice": practice.before(course),
    }
    return turn_dial(recipe.model_copy(update=changed))


def _rows(recipe: Recipe, file: Path) -> RowData:
    if isinstance(recipe, WritingRecipe):
        return PairedData(path=str(file), text="source", target="target", split=_SPLIT)
    return QuestionData(path=str(file), answer_start="answer_start", split=_SPLIT)


def describe_courses(recipe: Recipe, done: Mapping[str, Artifact]) -> list[dict[str, Any]]:
    """Returns how each course of a finished run went, as its report says it; nothing without practice."""
    trained = {course: done[network] for course, network in _network_names(recipe).items()}
    return [
        {
            "name": name,
            "exercises": done[f"{PRACTICE.name}-{name}-{DATA.name}"].facts["kept"],
            "tokens": artifact.facts["tokens"],
            "steps": artifact.facts["steps"],
            "seconds": artifact.record["seconds"],
            "right": artifact.facts["best"].get("validation_accuracy"),
            "finds_places": isinstance(recipe, AnswerRecipe),
        }
        for name, artifact in trained.items()
    ]
