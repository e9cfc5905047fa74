"""Recipes as files: TOML, checked before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from penjing.errors import RecipeError, SettingsError, nearest
from penjing.pipeline.recipe import OF_LABELLED_ROWS, Recipe
from penjing.pipeline.recipe_kinds import recipe_class, recipe_classes
from penjing.registry import registered_names
from penjing.tasks.task import load_task

_LEFT_OUT = "none"
_KEY = "[key]"  # with which pydantic says that the name of a section is meant
_SHIPPED = Path(__file__).parent / "recipes"


def load_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Reads and checks a recipe.

    Args:
        path: the TOML file, or the name of a recipe that ships with Penjing.
        overrides: settings such as ``finetune.epochs=5``; the value is TOML, or plain text where that fails. A section
            that may be left out is left out by ``pretrain=none``, one inside another by ``finetune.distill=none``,
            and a number by ``finetune.ngrams=none``.

    Raises:
        RecipeError: the file is missing or no TOML, a key is unknown, or a value is not allowed.
    """
    try:
        document = tomllib.loads(_find_recipe(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(
            "there is no such recipe",
            where=str(path),
            do=f"Give the path of a TOML file, or one that ships with Penjing: {', '.join(shipped_recipes())}.",
        ) from error
    except IsADirectoryError as error:
        raise RecipeError("this is a folder, not a recipe", where=str(path), do="Give a TOML file.") from error
    except OSError as error:
        raise RecipeError(f"it cannot be read ({error.strerror})", where=str(path), do="Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"this is not TOML ({error})", where=str(path), do="Correct that line.") from error
    for override in overrides or []:
        _set(document, override)
    return check_recipe(document, path.name)


def shipped_recipes() -> dict[str, Path]:
    """Returns the recipes that ship with Penjing, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.toml"))}


def _find_recipe(path: Path) -> Path:
    return path if path.is_file() else shipped_recipes().get(str(path), path)


def check_recipe(document: Mapping[str, Any], where: str) -> Recipe:
    """Checks a recipe given as a dictionary; ``where`` names it in errors.

    Raises:
        RecipeError: a key is unknown (the nearest known one is named), or a value is not allowed.
    """
    kind = recipe_class(document)
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise _explain(error, kind, where) from error


def _set(document: dict[str, Any], override: str) -> None:
    key, equals, raw = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f'"{override}" is no setting', where="--set", do="Write it as --set finetune.epochs=5.")
    try:
        value: Any = tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw
    whole = document
    *sections, last = key.strip().split(".")
    if raw.strip() == _LEFT_OUT and not sections and _may_be_left_out(document, last):
        for name in (last, *(OF_LABELLED_ROWS if last == "data" else ())):
            document.pop(name, None)
        return
    for section in sections:
        document = document.setdefault(section, {})
        if not isinstance(document, dict):
            raise RecipeError(f'"{section}" is a value, not a section', where=f"--set {override}")
    if raw.strip() == _LEFT_OUT and sections and _may_be_none(whole, [*sections, last]):
        document.pop(last, None)
        return
    document[last] = value


def _may_be_left_out(document: Mapping[str, Any], section: str) -> bool:
    field = recipe_class(document).model_fields.get(section)
    return field is not None and type(None) in get_args(field.annotation)


def _may_be_none(document: Mapping[str, Any], location: list[str]) -> bool:
    """Whether a recipe may have a section, or a value that is no text, at a location, and may be without it."""
    *before, last = location
    models: list[type[BaseModel]] = [recipe_class(document)]
    for part in before:
        models = _models([model.model_fields[part].annotation for model in models if part in model.model_fields])
    fields = [get_args(model.model_fields[last].annotation) for model in models if last in model.model_fields]
    return any(type(None) in choices and str not in choices for choices in fields)


def _explain(error: ValidationError, kind: type[Recipe], where: str) -> RecipeError:
    """Turns the first complaints of pydantic into one paragraph."""
    complaints = [_complaint(item, kind) for item in error.errors()[:3]]
    more = error.error_count() - len(complaints)
    tail = f" There are {more} more." if more > 0 else ""
    return RecipeError(
        "; ".join(what for what, _ in complaints),
        where=where,
        do=" ".join(dict.fromkeys(do for _, do in complaints)) + tail,
    )


def _complaint(item: Any, kind: type[Recipe]) -> tuple[str, str]:
    path = [str(part) for part in item["loc"]]
    location = [part for part in path if not part.startswith("<") and part != _KEY]
    raised = item.get("ctx", {}).get("error")
    do = raised.do if isinstance(raised, SettingsError) else ""
    message = raised.what if isinstance(raised, SettingsError) else item["msg"].removeprefix("Value error, ")
    if not location:
        return message, do or "Add the one, or leave out the other."
    key = _name(location)
    if item["type"] == "extra_forbidden":
        known = _known_keys(path[:-1], kind)
        if tasks := _other_tasks_with(path, kind):
            other = f"the task{'s' if len(tasks) > 1 else ''} {', '.join(tasks)}"
            return f"{key} is for {other}, and not for this recipe's", "Leave it out, or change task."
        return f"unknown key {key}", nearest(location[-1], known)
    if item["type"] == "missing":
        return f"{key} is missing", "Add it to the recipe."
    given = item["input"]
    message, do = message.removeprefix("Input "), do or "Correct it."
    if isinstance(given, dict) and not message.startswith("should"):
        return f"[{'.'.join(location)}]: {message}", do
    shown = "a section" if isinstance(given, dict) else f"{given!r}"
    if path[-1] == _KEY:
        return f"[{'.'.join(location)}]: the name {message.removeprefix('it ')}", do
    return f"{key} is {shown}: {'it ' if message.startswith('should') else ''}{message}", do


def _name(location: list[str]) -> str:
    if len(location) == 1:
        return location[0]
    return f"[{'.'.join(location[:-1])}] {location[-1]}"


def _known_keys(location: list[str], kind: type[Recipe]) -> list[str]:
    """Returns the keys that the section at a location may have; none where there is no such section."""
    found: list[Any] = [kind]
    for part in location:
        models = _models(found)
        if fields := [model.model_fields[part].annotation for model in models if part in model.model_fields]:
            found = fields
        elif part.startswith("<"):
            found = [choice for choice in _choices(found) if Tag(part) in get_args(choice)]
        elif not any(get_origin(choice) is dict for choice in _choices(found)):  # else it is a name, such as of a part
            return []
    return list(dict.fromkeys(name for model in _models(found) for name in model.model_fields))


def _other_tasks_with(path: list[str], kind: type[Recipe]) -> list[str]:
    """Returns the tasks, of other recipes than this kind's, that know a key, given with the sections it is in."""
    tasks = {name: recipe_classes(load_task(name).answers) for name in registered_names("tasks")}
    others = {name: kinds for name, kinds in tasks.items() if kind not in kinds}
    return [name for name, kinds in others.items() if any(path[-1] in _known_keys(path[:-1], each) for each in kinds)]


def _models(annotations: Sequence[Any]) -> list[type[BaseModel]]:
    """Returns the sections among annotations, and in them."""
    found = []
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found.append(annotation)
        else:
            found += _models(get_args(annotation))
    return found


def _choices(annotations: Sequence[Any]) -> list[Any]:
    """Returns all that stands in annotations, however deep."""
    inner = [part for annotation in annotations for part in get_args(annotation)]
    return [*annotations, *(_choices(inner) if inner else [])]
