"""Lists and objects in bodies: how long they may be. Of a wrong list one fault is told, and no more are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

Given = TypeVar("Given")
#: Most rows of a list, whatever a server allows for one request: so many can wait for a model.
MOST_ROWS = 16_384
#: Most tokens of a text that is given as a list of them.
MOST_TOKENS = 1 << 20
_MOST_FIELDS = 1024
_MOST_TOLD = 2000


@dataclass(frozen=True)
class Several:
    """What a list in a body is annotated with.

    The document does not tell lengths of ten thousands: those who try out what it says would send lists of so many.

    Attributes:
        most: of its values.
        least: of them.
    """

    most: int = MOST_ROWS
    least: int = 1

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = handler(source)
        return {**schema, "min_length": self.least, "max_length": self.most, "fail_fast": True}

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core)
        if self.most > _MOST_TOLD:
            schema.pop("maxItems", None)
        return schema


def check_fields(given: Given) -> Given:
    """Refuses an object of so many fields that to name each that is wrong would take long; validators call it first.

    Raises:
        PydanticCustomError: it has too many.
    """
    if isinstance(given, Mapping) and len(given) > _MOST_FIELDS:
        told = {"count": f"{len(given):,}", "most": f"{_MOST_FIELDS:,}"}
        raise PydanticCustomError("too_long", "it has {count} fields, and {most} are the most", told)
    return given
