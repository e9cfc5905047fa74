"""What is known of a language model's training; known without torch."""

from __future__ import annotations

from typing import NamedTuple


class Learned(NamedTuple):
    """What is known of a language model's training.

    Attributes:
        objective: what it learned; None where nothing says so: the first of those that its architecture can.
        window: the most tokens that it saw at once; None where nothing says so: as many as it has positions.
    """

    objective: str | None = None
    window: int | None = None


NOTHING_KNOWN = Learned()
