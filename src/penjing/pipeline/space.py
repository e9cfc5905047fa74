"""The settings that a search varies, as a recipe's section ``[tune]`` names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
        ValueError: there is none, or one is neither a range nor a list of values.
    """
    if not isinstance(section, Mapping):
        raise ValueError("it should be a section")
    space: Space = {}
    for key, value in _flatten(section, ""):
        space[key] = value if isinstance(value, Range) else _parse(key, value)
    if not space:
        raise ValueError(
            'there is nothing to search; write "finetune.learning_rate" = { low = 1e-4, high = 1e-2, log = true }, or '
            "leave the section out for the usual settings of the family"
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
        raise ValueError(f'"{key}" should be a list of values, or {{ low = …, high = … }}')
    try:
        found = Range.model_validate(value)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"][:1])
        what = (
            "is missing" if wrong["type"] == "missing" else "is not known" if "extra" in wrong["type"] else "is wrong"
        )
        raise ValueError(
            f'of "{key}", {name} {what}; write {{ low = 1, high = 9 }}, and log = true if you like'
        ) from None
    if not found.low < found.high:
        raise ValueError(f'of "{key}", low is {found.low:g}, which should be below high, {found.high:g}')
    if found.log and found.low <= 0:
        raise ValueError(f'of "{key}", low is {found.low:g}, and log = true needs one above 0')
    return found


def _parse_choices(key: str, values: tuple[Any, ...]) -> tuple[Scalar, ...]:
    for value in values:
        if not isinstance(value, Scalar):
            raise ValueError(f'of "{key}", {value!r} is neither a number nor a text')
    if len({repr(value) for value in values}) < len(values):
        raise ValueError(f'"{key}" names a value twice')
    if len(values) < 2:
        raise ValueError(f'"{key}" names fewer than two values, so there is nothing to search; set it where it belongs')
    return values
