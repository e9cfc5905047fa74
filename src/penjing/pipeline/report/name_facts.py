"""What a report says of labels that are answered by their names, as data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class NameFacts(BaseModel):
    """How labels are answered by their names.

    Attributes:
        words: label → its name.
        train: whether the names were learned.
        examples: how many training rows stand before a text.
        by: how they are chosen.
        shown: examples that stand before test rows, all together.
        dropped: those for which there was no room.
        prior: what is taken off.
        by_length: whether names are compared by the mean of their tokens.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    words: dict[str, str]
    train: bool
    examples: int
    by: Literal["similarity", "random"]
    shown: int
    dropped: int
    prior: Literal["none", "empty", "content_free"]
    by_length: bool
