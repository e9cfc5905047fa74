"""Teachers that a run trains itself: models of the recipe's own kind with other seeds, and those of other recipes.

A model that learns from several of its own size can become better than each of them (born-again networks: Furlanello
et al. 2018, arXiv 1805.04770). The first generation learns as the recipe says, without teachers; each further one is
taught by the one before it. Models of other recipes err in other places, so that all together are right more often
(Hansen & Salamon 1990); they teach with the first generation.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from penjing.errors import PenjingError, RecipeError
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.fitted_head import trains_network
from penjing.pipeline.local_data import use_local_corpus
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_file import load_recipe
from penjing.pipeline.recipe_kinds import asking_teachers, own_generations, trained_teachers
from penjing.pipeline.stage import Artifact, Stage
from penjing.pipeline.stages import STAGES
from penjing.pipeline.stages.finetune import TEACHER
from penjing.progress import Silent

#: Gives the artifact of a stage of a recipe, by those before it; None where it is not there and not made.
Make = Callable[[Stage, Recipe, dict[str, Artifact], str], Artifact | None]


@dataclass(frozen=True)
class OwnTeachers:
    """The teachers that a run trains, as far as they are there.

    Attributes:
        recipe: with the folders of the last generation as teachers; as it was where some are missing.
        artifacts: what their training left that the run does not have anyway, by names such as ``teacher-1.2``.
        missing: how many each generation lacks of the recipe's own kind.
        others_missing: how many are lacking of each other recipe.
    """

    recipe: Recipe
    artifacts: dict[str, Artifact]
    missing: tuple[int, ...]
    others_missing: dict[str, int]

    @property
    def lacks_some(self) -> bool:
        """Whether teachers are missing."""
        return any((*self.missing, *self.others_missing.values()))


def make_teachers(recipe: Recipe, done: Mapping[str, Artifact], make: Make) -> OwnTeachers:
    """Goes through the generations that a recipe names, and has each teacher made, or found.

    Args:
        recipe: has ``[finetune.distill] generations``.
        done: the stages of the recipe before its teachers are asked.
        make: makes or finds a stage of a teacher; what that is called is said to it. Where it finds none, later
            generations are missing too.
    """
    generations, missing = own_generations(recipe), list[int]()
    artifacts: dict[str, Artifact] = {}
    folders: tuple[str, ...] = ()
    others = dict.fromkeys(_names(recipe), 0)
    for generation, count in enumerate(generations, start=1):
        members: list[dict[str, Artifact] | None] = [None] * count
        if generation == 1 or folders:
            recipes = [member_recipe(recipe, generation, number, folders) for number in range(1, count + 1)]
            members = [
                _make(each, f"{generation}.{number}", make, _ALL) for number, each in enumerate(recipes, start=1)
            ]
        missing.append(members.count(None))
        if generation == 1:
            for name in others:
                made = [_make(each, called, make, _ALL) for called, each in _members_of(recipe, name).items()]
                others[name] = made.count(None)
                members += made
        whole = [member for member in members if member is not None]
        artifacts |= _new(whole, {**done, **artifacts})
        folders = tuple(str(_teacher_of(member).folder / "model") for member in whole) if None not in members else ()
    taught = _taught_by(recipe, folders, recipe.finetune.seed) if folders else recipe
    return OwnTeachers(taught, artifacts, tuple(missing), others)


def make_data(recipe: Recipe, names: Container[str], done: Mapping[str, Artifact], make: Make) -> dict[str, Artifact]:
    """Has the data made that other recipes' models learn from, beside the rows that they share with the recipe's.

    Args:
        recipe: may have ``[finetune.distill] recipes``.
        names: of the stages.
        done: those of the recipe.
        make: as for `make_teachers`.

    Returns:
        What the recipe does not have itself, by names such as ``corpus-1.6``.
    """
    stages = [stage for stage in _BEFORE if stage.name in names]
    firsts = [next(iter(_members_of(recipe, name).items())) for name in _names(recipe)]
    members = [_make(member, called, make, stages) for called, member in firsts]
    return _new([member for member in members if member is not None], done)


def member_recipe(recipe: Recipe, generation: int, number: int, teachers: tuple[str, ...]) -> Recipe:
    """Returns the recipe of one of the teachers of the recipe's own kind; both count from 1.

    Args:
        recipe: whose model is taught in the end.
        generation: the first learns without teachers.
        number: in its generation.
        teachers: folders of the generation before; in a plan none are there yet.
    """
    seed = member_seed(recipe.finetuning_seed, generation, number)
    if generation > 1:
        return _taught_by(recipe, teachers, seed)
    return _alone(recipe, seed)


def other_recipes(recipe: Recipe) -> dict[str, Recipe]:
    """Returns the first teacher's recipe of each of ``[finetune.distill] recipes``, by its name there.

    Raises:
        RecipeError: one is not there, is wrong, is for another task, or makes the same model each time.
        PenjingError: a model that one names cannot be read.
    """
    return {name: next(iter(_members_of(recipe, name).values())) for name in _names(recipe)}


def member_seed(seed: int, generation: int, number: int) -> int:
    """Returns the seed of a teacher: another one for each, and for each seed of the model that is taught."""
    return int(np.random.SeedSequence([seed, generation, number]).generate_state(1)[0]) % 2**31


def _names(recipe: Recipe) -> list[str]:
    return list(trained_teachers(recipe).get("recipes", ()))


def _members_of(recipe: Recipe, name: str) -> dict[str, Recipe]:
    """Returns the recipes of the teachers that another recipe makes of the same rows, by what they are called."""
    other, where = load_recipe(Path(name)), f"[finetune.distill] recipes: {name}"
    first, count = _names(recipe).index(name) + 1, own_generations(recipe)[0]
    if other.task != recipe.task:
        raise RecipeError(
            f"it is for the task {other.task}, and this one for {recipe.task}",
            where=where,
            do="Name a recipe of the same task.",
        )
    if count > 1 and not trains_network(other):
        raise RecipeError(
            f"chance has no part in what it learns, so its {count} models would be the same",
            where=where,
            do="Leave it out, or let it train its network, or let generations begin with 1.",
        )
    same = {"data": recipe.data, "seed": recipe.seed, "explain": None}
    try:
        other = turn_dial(use_local_corpus(other, Silent()).model_copy(update=same))
    except PenjingError as error:  # of the recipe, or of a model that it names
        raise error.within(where) from error
    numbers = range(first * count + 1, (first + 1) * count + 1)
    seeds = {number: member_seed(recipe.finetuning_seed, 1, number) for number in numbers}
    return {f"1.{number}": _alone(other, seed) for number, seed in seeds.items()}


def _alone(recipe: Recipe, seed: int) -> Recipe:
    finetune = recipe.finetune.model_copy(update={"seed": seed, "distill": None})
    return recipe.model_copy(update={"finetune": finetune})


def _taught_by(recipe: Recipe, teachers: tuple[str, ...], seed: int | None) -> Recipe:
    distill = asking_teachers(recipe)
    assert distill is not None
    changed = distill.model_copy(update={"teacher": teachers or None})
    return recipe.model_copy(update={"finetune": recipe.finetune.model_copy(update={"seed": seed, "distill": changed})})


def _make(member: Recipe, called: str, make: Make, stages: Sequence[Stage]) -> dict[str, Artifact] | None:
    """Returns stages of a teacher, under names that end as it is called; None where one is not there."""
    done: dict[str, Artifact] = {}
    for stage in stages:
        if stage.is_wanted(member):
            artifact = make(stage, member, done, called)
            if artifact is None:
                return None
            done[stage.name] = artifact
    return {f"{name}-{called}": artifact for name, artifact in done.items()}


def _teacher_of(member: Mapping[str, Artifact]) -> Artifact:
    return next(artifact for artifact in member.values() if artifact.stage == TEACHER.name)


def _new(members: Iterable[Mapping[str, Artifact]], known: Mapping[str, Artifact]) -> dict[str, Artifact]:
    """Returns what members have that is not known, each once, by the first name that it has."""
    folders = {artifact.folder for artifact in known.values()}
    found: dict[str, Artifact] = {}
    for member in members:
        found |= {name: artifact for name, artifact in member.items() if artifact.folder not in folders}
        folders |= {artifact.folder for artifact in member.values()}
    return found


def _stages_before(last: Stage) -> tuple[Stage, ...]:
    """Returns the stages that one needs, directly or through others, in order."""
    needed = set(last.inputs)
    for stage in reversed(STAGES):
        if stage.name in needed:
            needed |= set(stage.inputs)
    return tuple(stage for stage in STAGES if stage.name in needed)


_BEFORE = _stages_before(TEACHER)
_ALL = (*_BEFORE, TEACHER)
