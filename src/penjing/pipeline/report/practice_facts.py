"""What a report says of practice."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class CourseFacts(BaseModel):
    """How a course of practice went.

    Attributes:
        name: of the course.
        exercises: rows that were made of texts.
        tokens: that were read.
        steps: of the optimizer.
        seconds: it took.
        right: share of what was foretold rightly of the rows that were kept back; None where it was not counted.
        finds_places: whether these are answers found in texts, not tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    exercises: int
    tokens: int
    steps: int
    seconds: float
    right: float | None = None
    finds_places: bool = False
