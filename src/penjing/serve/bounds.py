"""Lists and objects in bodies: how long they may be. Of a wrong list one fault is told, and no more are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field
from pydantic_core import PydanticCustomError

Given = TypeVar("Given")
#: Most rows of a list, whatever a server allows for one request: so many can wait for a model.
MOST_ROWS = 16_384
#: Most tokens of a text that is given as a list of them.
MOST_TOKENS = 1 << 20
_MOST_FIELDS = 1024


def several(most: int = MOST_ROWS, *, least: int = 1) -> Any:
    """Returns what a list in a body is annotated with.

    Args:
        most: of its values.
        least: of them.
    """
    return Field(min_length=least, max_length=most, fail_fast=True)


def check_fields(given: Given) -> Given:
    """Refuses an object of so many fields that to name each that is wrong would take long; validators call it first.

    Raises:
        PydanticCustomError: it has too many.
    """
    if isinstance(given, Mapping) and len(given) > _MOST_FIELDS:
        told = {"count": f"{len(given):,}", "most": f"{_MOST_FIELDS:,}"}
        raise PydanticCustomError("too_long", "it has {count} fields, and {most} are the most", told)
    return given
