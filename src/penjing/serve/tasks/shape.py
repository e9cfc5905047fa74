"""What bodies and answers of all tasks have in common."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, model_validator

from penjing.errors import UsageError
from penjing.inference.writing_settings import WritingSettings
from penjing.progress import Progress
from penjing.serve.bounds import Several, check_fields
from penjing.serve.tasks.weighing import Weigh
from penjing.tasks.model import Model
from penjing.tasks.multi_model import MultiModel

Row = TypeVar("Row")
Text = Annotated[str, Field(min_length=1, description="a text")]
Rows = Annotated[list[Text], Several()]


class Strict(BaseModel):
    """An object in which fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid")

    _checked = model_validator(mode="before")(check_fields)


class Body(Strict):
    """What every request says."""

    model: str = Field(description="the name of a model, as /v1/models lists it")
    part: str | None = Field(None, description="of a model of several tasks, the one that is asked")


class WritingBody(Body):
    """How a text is written; what is left out is as the model's card says."""

    max_tokens: StrictInt | None = Field(None, ge=1, description="most tokens of an answer")
    beams: StrictInt | None = Field(None, ge=1, le=16, description="beginnings that are kept in beam search; 1: none")
    temperature: StrictFloat | None = Field(None, ge=0, le=10, description="0: the likeliest; else tokens are drawn")
    top_p: StrictFloat | None = Field(None, gt=0, le=1, description="of the tokens that are drawn from")
    seed: StrictInt | None = Field(None, ge=0, lt=2**63, description="decides what is drawn")
    stream: StrictBool = Field(False, description="whether answers come piece by piece, as server-sent events")

    @model_validator(mode="after")
    def _streams_without_beams(self) -> WritingBody:
        if self.stream and (self.beams or 1) > 1:
            raise ValueError("a search with beams knows its answer only at the end; leave beams or stream out")
        return self

    def rows(self) -> Sequence[Any]:
        """Returns what is to be answered.

        Raises:
            PenjingError: a row cannot be.
        """
        raise NotImplementedError

    def settings(self, usual: WritingSettings) -> WritingSettings:
        """Returns how the model writes by this request; drawing, streams and beams exclude one another.

        Raises:
            UsageError: beams and temperature exclude one another.
        """
        names = ("max_tokens", "beams", "temperature", "top_p", "seed")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        if (self.stream or given.get("temperature")) and self.beams is None:
            given["beams"] = 1
        elif given.get("beams", 1) > 1 and self.temperature is None:
            given["temperature"] = 0.0
        return replace(usual, **given)


class TextPiece(BaseModel):
    """An event of a stream: what came of an answer. The last event is the whole response."""

    index: int = Field(description="of the answer, from 0")
    text: str = Field(description="whole characters; all pieces of an answer, joined, are what was written")


class Result(BaseModel):
    """What every answer to a text says."""

    text: str = Field(description="what was read")
    cut_tokens: int = Field(0, description="tokens that were not read, because the text is longer than the window")


class Answer(BaseModel):
    """What every response says."""

    model: str
    task: str = Field(description="what the model is for")


@dataclass(frozen=True)
class Work:
    """What a request asks of a model.

    Attributes:
        key: requests to one model whose keys are equal can be computed together.
        compute: answers rows, each by itself, in order; asks its progress now and then whether to stop.
        rows: of this request.
        weigh: how much each row is.
        param: the field that holds what is read.
    """

    key: tuple[Hashable, ...]
    compute: Callable[[Sequence[Any], Progress], Sequence[Any]]
    rows: Sequence[Any]
    weigh: Weigh
    param: str = "input"


def listed(given: Row | list[Row]) -> list[Row]:
    """Returns what was given, one or several, as a list."""
    return given if isinstance(given, list) else [given]


def part_of(model: Model, name: str | None) -> Model:
    """Returns the part of a model that is asked; of a model of one task, the model.

    Raises:
        UsageError: there is no such part, or it must be said which.
    """
    if isinstance(model, MultiModel):
        return model.part(name)
    if name is not None:
        raise UsageError(f"this model has one task, {model.task.name}, and no parts", where="part", do="Leave it out.")
    return model
