"""Teachers that a run trains itself: models of the recipe's own kind with other seeds, one generation after another.

A model that learns from several of its own size can become better than each of them (born-again networks: Furlanello
et al. 2018, arXiv 1805.04770). The first generation learns as the recipe says, without teachers; each further one is
taught by the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import asking_teachers, own_generations
from penjing.pipeline.stage import Artifact, Stage
from penjing.pipeline.stages import STAGES
from penjing.pipeline.stages.finetune import TEACHER
from penjing.pipeline.stages.teach import TEACH

#: Gives the artifact of a stage of a recipe, by those before it; None where it is not there and not made.
Make = Callable[[Stage, Recipe, dict[str, Artifact], str], Artifact | None]


@dataclass(frozen=True)
class OwnTeachers:
    """The teachers of a recipe, as far as they are there.

    Attributes:
        recipe: with the folders of the last generation as teachers; as it was where some are missing.
        artifacts: what their training left, by names such as ``teacher-1.2`` and ``teach-2``.
        missing: how many each generation lacks.
    """

    recipe: Recipe
    artifacts: dict[str, Artifact]
    missing: tuple[int, ...]


def make_teachers(recipe: Recipe, done: Mapping[str, Artifact], make: Make) -> OwnTeachers:
    """Goes through the generations that a recipe names, and has each teacher made, or found.

    Args:
        recipe: has ``[finetune.distill] generations``.
        done: the stages of the recipe before its teachers are asked.
        make: makes or finds a stage; what it is called is said to it. Where it finds none, later generations are
            missing too.
    """
    artifacts: dict[str, Artifact] = {}
    folders: tuple[str, ...] = ()
    missing = []
    generations = own_generations(recipe)
    for generation, count in enumerate(generations, start=1):
        trained = []
        for number in range(1, count + 1):
            if generation > 1 and not folders:
                break
            member = member_recipe(recipe, generation, number, folders)
            found = _make_member(member, done, make, f"{generation}.{number}")
            if found is not None:
                asked, teacher = found
                artifacts |= {} if asked is None else {f"{TEACH.name}-{generation}": asked}
                artifacts[f"{TEACHER.name}-{generation}.{number}"] = teacher
                trained.append(str(teacher.folder / "model"))
        missing.append(count - len(trained))
        folders = tuple(trained) if len(trained) == count else ()
    taught = _taught_by(recipe, folders, recipe.finetune.seed) if folders else recipe
    return OwnTeachers(taught, artifacts, tuple(missing))


def member_recipe(recipe: Recipe, generation: int, number: int, teachers: tuple[str, ...]) -> Recipe:
    """Returns the recipe of one of the teachers; both count from 1.

    Args:
        recipe: whose model is taught in the end.
        generation: the first learns without teachers.
        number: in its generation.
        teachers: folders of the generation before; in a plan none are there yet.
    """
    seed = member_seed(recipe.finetuning_seed, generation, number)
    if generation > 1:
        return _taught_by(recipe, teachers, seed)
    alone = recipe.finetune.model_copy(update={"seed": seed, "distill": None})
    return recipe.model_copy(update={"finetune": alone})


def member_seed(seed: int, generation: int, number: int) -> int:
    """Returns the seed of a teacher: another one for each, and for each seed of the model that is taught."""
    return int(np.random.SeedSequence([seed, generation, number]).generate_state(1)[0]) % 2**31


def _taught_by(recipe: Recipe, teachers: tuple[str, ...], seed: int | None) -> Recipe:
    distill = asking_teachers(recipe)
    assert distill is not None
    changed = distill.model_copy(update={"teacher": teachers or None})
    return recipe.model_copy(update={"finetune": recipe.finetune.model_copy(update={"seed": seed, "distill": changed})})


def _make_member(
    member: Recipe, done: Mapping[str, Artifact], make: Make, called: str
) -> tuple[Artifact | None, Artifact] | None:
    """Returns what the teachers of a teacher answered, if it has any, and the teacher; None where it is not there."""
    wanted = {stage.name for stage in STAGES if stage.is_wanted(member)}
    before = {name: artifact for name, artifact in done.items() if name in wanted}
    asked = None
    if TEACH.name in wanted:
        asked = make(TEACH, member, before, called)
        if asked is None:
            return None
        before[TEACH.name] = asked
    if any(name in wanted and name not in before for name in TEACHER.inputs):
        return None  # in a plan: what it learns from is not there, so its key is not known
    teacher = make(TEACHER, member, before, called)
    return None if teacher is None else (asked, teacher)
