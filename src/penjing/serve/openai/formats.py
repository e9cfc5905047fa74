"""What an answer must be: any text, JSON, JSON of a schema, or what an expression matches."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictBool, model_validator
from pydantic_core import PydanticCustomError

from penjing.errors import UsageError
from penjing.inference.decoding.constraints import ConstraintMaker
from penjing.inference.decoding.request import Constraint
from penjing.serve.constraint_desk import ConstraintDesk
from penjing.serve.failures import RequestError
from penjing.serve.openai.fields import Body


class SchemaFormat(Body):
    """A JSON schema that an answer keeps to."""

    name: str | None = Field(None, max_length=100, description="changes nothing here")
    description: str | None = Field(None, description="changes nothing here")
    json_schema: dict[str, Any] = Field(alias="schema")
    strict: StrictBool | None = Field(None, description="changes nothing here: an answer always keeps to it")


class ResponseFormat(Body):
    """What an answer must be."""

    type: Literal["text", "json_object", "json_schema", "regex"]
    json_schema: SchemaFormat | None = Field(None, description="for the type json_schema")
    pattern: str | None = Field(None, description="for the type regex: a regular expression, as Rust's regex reads it")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> ResponseFormat:
        given = {"json_schema": self.json_schema, "pattern": self.pattern}
        needed = {"json_schema": "json_schema", "regex": "pattern"}.get(self.type)
        for name, value in given.items():
            if (value is not None) != (name == needed):
                verb = "needs" if name == needed else "has no"
                told = {"type": self.type, "verb": verb, "field": name}
                raise PydanticCustomError("wrong_format", "the type {type} {verb} {field}", told)
        return self


async def make_constraints(wanted: ResponseFormat | None, desk: ConstraintDesk, count: int) -> list[Constraint | None]:
    """Returns what each of so many texts may be.

    Raises:
        RequestError: the schema or the expression is wrong, or cannot be kept to (400), or too many are being read
            (429).
    """
    if wanted is None or wanted.type == "text":
        return [None] * count
    try:
        return [*await desk.make(lambda maker: _make(wanted, maker), count)]
    except UsageError as error:
        raise RequestError(400, str(error), param="response_format", code="invalid_format") from error


def _make(wanted: ResponseFormat, maker: ConstraintMaker) -> Constraint:
    if wanted.json_schema is not None:
        return maker.json_schema(wanted.json_schema.json_schema)
    return maker.json_object() if wanted.pattern is None else maker.regex(wanted.pattern)
