"""The fields of a body: those that are not known are refused, and so are those that ask for what is not done here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from penjing.errors import nearest
from penjing.serve.bounds import check_fields

_SHOWN = 80
#: What OpenAI's routes do and Penjing does not.
NOT_DONE: Mapping[str, str] = {
    "audio": "Penjing writes text alone",
    "function_call": "Penjing calls no functions",
    "functions": "Penjing calls no functions",
    "modalities": "Penjing writes text alone",
    "moderation": "Penjing rates no texts",
    "parallel_tool_calls": "Penjing calls no tools",
    "prediction": "Penjing supposes what comes by itself",
    "reasoning_effort": "no model here has several",
    "suffix": "Penjing goes on with texts, and fills in no gaps",
    "tool_choice": "Penjing calls no tools",
    "tools": "Penjing calls no tools",
    "verbosity": "no model here has several",
    "web_search_options": "Penjing asks nobody else",
}
#: Values that ask for nothing, such as a list of no tools.
_ASK_NOTHING: tuple[Any, ...] = (None, [], {}, "", "none", ["text"])


class Body(BaseModel):
    """The body of a request; a field that is not known is refused, for it might have mattered."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    not_done: ClassVar[Mapping[str, str]] = NOT_DONE

    @model_validator(mode="before")
    @classmethod
    def _knows_its_fields(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        check_fields(given)
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for name, value in given.items():
            if name in known:
                continue
            if name in cls.not_done:
                if value not in _ASK_NOTHING:
                    what = "{field} is not done here: {reason}. Leave it out"
                    raise PydanticCustomError("not_done", what, {"field": name, "reason": cls.not_done[name]})
                continue
            hint = nearest(name[:_SHOWN], known).rstrip(".")
            raise PydanticCustomError(
                "unknown_field", 'there is no field "{field}". {hint}', {"field": name[:_SHOWN], "hint": hint}
            )
        return {name: value for name, value in given.items() if name in known}
