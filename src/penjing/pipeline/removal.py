"""Texts that are removed from a run: out of its data at once, and out of its models when those are trained again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from penjing.data.cleaning import make_protector
from penjing.data.inspection import Document, DroppedDocument
from penjing.data.personal.protecting import Protector
from penjing.data.settings import RowData, TextData
from penjing.data.unlabelled import UnlabelledData
from penjing.errors import PenjingError, UsageError
from penjing.files import read_json, write_json
from penjing.pipeline.own_teachers import other_recipes
from penjing.pipeline.recipe import Recipe, has_data
from penjing.pipeline.recipe_kinds import change_unlabelled, recipe_class
from penjing.pipeline.tracing import (
    LEARNED,
    REMOVED,
    find_texts,
    labelled_origins,
    near_copies,
    published_weights,
    removed_texts,
)

S = TypeVar("S", RowData, TextData, UnlabelledData)
RECIPE = "recipe.json"  # what a run was made by

#: Stages that only carry texts along; those after them learn from them.
DATA_STAGES = ("data", "corpus", "unlabelled", "recombined", "exercises", "tokenizer", "shards", "examples")


@dataclass(frozen=True)
class Remembered:
    """What a run was made by.

    Attributes:
        recipe: as it was loaded.
        folder: in which the command was called; paths of the recipe count from there.
        command: what makes the run again.
    """

    recipe: Recipe
    folder: Path
    command: list[str]


def remember_recipe(recipe: Recipe, out: Path, command: Sequence[str]) -> None:
    """Writes down what a run is made by.

    Raises:
        UsageError: the folder is that of a recipe with another name, or of one without a name for another task.
    """
    _refuse_other_recipe(recipe, out)
    values = {
        "recipe": recipe.model_dump(mode="json", exclude_unset=True),
        "folder": str(Path.cwd()),
        "command": list(command),
    }
    write_json(out / RECIPE, values)


def _refuse_other_recipe(recipe: Recipe, out: Path) -> None:
    try:
        before = remembered_recipe(out).recipe
    except (PenjingError, ValueError):  # nothing is there, or what this version does not understand and writes anew
        return
    of_task = [(item.task, has_data(item)) for item in (before, recipe)]
    if before.name == recipe.name and ("name" in before.model_fields_set or of_task[0] == of_task[1]):
        return
    raise UsageError(
        f'this folder holds the run of another recipe ("{before.name}"), whose model and report would be replaced',
        where=str(out),
        do="Give each recipe a name of its own, choose another --out, or remove the folder.",
    )


def remembered_recipe(out: Path) -> Remembered:
    """Returns what a run was made by.

    Raises:
        UsageError: the folder is no run, or one of a version that did not write it down, or of another one.
    """
    path = out / RECIPE
    if not path.is_file():
        raise UsageError(
            f"there is no {RECIPE}, so nothing says how to make it again",
            where=str(out),
            do="Give the folder of a run, such as runs/reviews-lm; run the recipe of an old one once more.",
        )
    values = read_json(path)
    try:
        return Remembered(
            recipe_class(values["recipe"]).model_validate(values["recipe"]), Path(values["folder"]), values["command"]
        )
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            "another version of Penjing wrote it, and this one does not understand it",
            where=str(path),
            do="Run the recipe of this run once more.",
        ) from error


def without_removed(recipe: Recipe, out: Path) -> Recipe:
    """Returns the recipe without what was removed from a run."""
    ids = removed_texts(out)
    if not ids:
        return recipe
    recipe = recipe.with_rows({name: _without(section, ids) for name, section in recipe.rows.items()})
    recipe = change_unlabelled(recipe, lambda texts: {"removed": _without(texts, ids).removed})
    if recipe.corpus is None:
        return recipe
    return recipe.model_copy(update={"corpus": _without(recipe.corpus, ids)})


def _without(section: S, ids: Iterable[str]) -> S:
    both = tuple(dict.fromkeys((*section.removed, *ids)))
    return section.model_copy(update={"removed": both})


def _unmasked(out: Path, found: Mapping[str, Document], protector: Protector) -> dict[str, Document]:
    """Returns the labelled rows that texts were before personal data in them was masked."""
    return labelled_origins(out, list(found.values()), lambda text: protector.protect([text])[0][0])


def mark_removed(recipe: Recipe, out: Path, ids: Sequence[str]) -> dict[str, Document]:
    """Writes down that texts are removed from a run; what is made from now on is without them.

    Near duplicates that had been dropped because of them go with them: one would come in their place. So do the
    labelled rows that they were before personal data in them was masked.

    Args:
        recipe: what the run was made by.
        out: the folder of the run.
        ids: of texts.

    Returns:
        The texts.

    Raises:
        UsageError: the run has no such text.
    """
    if not ids:
        return {}
    found = {
        key: item.document if isinstance(item, DroppedDocument) else item
        for key, item in find_texts(out, set(ids)).items()
    }
    found |= near_copies(out, set(found))
    for each in (recipe, *other_recipes(recipe).values()):
        if each.corpus is not None and each.corpus.personal is not None:
            found |= _unmasked(out, found, make_protector(each.corpus.personal))
    known = removed_texts(out)
    missing = [key for key in ids if key not in found and key not in known]
    if missing:
        raise UsageError(
            f"the run has no text {', '.join(missing)}",
            where=str(out),
            do=f"penjing data inspect {out} --json shows ids; nothing was removed.",
        )
    weights = published_weights(out)
    known |= {key: weights if item.part in LEARNED else [] for key, item in found.items() if key not in known}
    write_json(out / REMOVED, dict(sorted(known.items())))
    return found
