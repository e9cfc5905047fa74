"""The settings that a search varies, as a recipe's section ``[tune]`` names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penjing.errors import SettingsError

Scalar = bool | int | float | str
_KEYS = frozenset({"low", "high", "log"})


class Range(BaseModel):
    """Numbers from one to another, both included; whole ones where both ends are whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: int | float = Field(description="the lowest")
    high: int | float = Field(description="the highest")
    log: bool = Field(False, description="whether each power of ten is as likely as the next")


Space = dict[str, Range | tuple[Scalar, ...]]


def parse_space(section: Any) -> Space:
    """Returns the settings of ``[tune]`` by their dotted names; ``"a.b" = …`` and ``a.b = …`` mean the same.

    Raises:
        SettingsError: there is none, or one is neither a range nor a list of values.
    """
    if not isinstance(section, Mapping):
        raise SettingsError("it should be a section", "Write [tune], and under it what is searched.")
    space: Space = {}
    for key, value in _flatten(section, ""):
        space[key] = value if isinstance(value, Range) else _parse(key, value)
    if not space:
        raise SettingsError(
            "there is nothing to search",
            'Write "finetune.learning_rate" = { low = 1e-4, high = 1e-2, log = true }, or '
            "leave the section out for the usual settings of the family.",
        )
    return space


def _flatten(section: Mapping[str, Any], before: str) -> list[tuple[str, Any]]:
    found = []
    for key, value in section.items():
        if isinstance(value, Mapping) and not _KEYS & set(value):
            found += _flatten(value, f"{before}{key}.")
        else:
            found.append((before + key, value))
    return found


def _parse(key: str, value: Any) -> Range | tuple[Scalar, ...]:
    if isinstance(value, list | tuple):
        return _parse_choices(key, tuple(value))
    if not isinstance(value, Mapping):
        raise SettingsError(
            f'"{key}" should be a list of values, or a range', "Write [1, 2], or { low = 1, high = 9 }."
        )
    try:
        found = Range.model_validate(value)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"][:1])
        what = (
            "is missing" if wrong["type"] == "missing" else "is not known" if "extra" in wrong["type"] else "is wrong"
        )
        raise SettingsError(
            f'of "{key}", {name} {what}', "Write { low = 1, high = 9 }, and log = true if you like."
        ) from None
    if not found.low < found.high:
        raise SettingsError(
            f'of "{key}", low is {found.low:g}, which should be below high, {found.high:g}',
            "Lower the one, or raise the other.",
        )
    if found.log and found.low <= 0:
        raise SettingsError(
            f'of "{key}", low is {found.low:g}, and log = true needs one above 0', "Raise it, or leave log out."
        )
    return found


def _parse_choices(key: str, values: tuple[Any, ...]) -> tuple[Scalar, ...]:
    for value in values:
        if not isinstance(value, Scalar):
            raise SettingsError(f'of "{key}", {value!r} is neither a number nor a text', "Name numbers or texts.")
    if len({repr(value) for value in values}) < len(values):
        raise SettingsError(f'"{key}" names a value twice', "Leave one out.")
    if len(values) < 2:
        raise SettingsError(
            f'"{key}" names fewer than two values, so there is nothing to search', "Set it where it belongs."
        )
    return values
