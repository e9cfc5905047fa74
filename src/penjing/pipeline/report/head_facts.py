"""What a report says of what is fitted beside the training: a head to a network that stays as it is, n-grams."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class ContrastFacts(BaseModel):
    """What was learned before the head was fitted; other keys are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    steps: int
    objective: Literal["supervised", "cosine"]


class HeadFacts(BaseModel):
    """How a head was fitted to the network's vectors; other keys are not looked at.

    ``regressions``: one for each label, where a text may have several; None: one for all.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    strength: float
    chosen_by: Literal["settings", "validation", "cross-validation"]
    rows: int
    regressions: int | None = None
    fitted_parameters: int
    largest_difference: float
    contrastive: ContrastFacts | None = None


class NgramFacts(BaseModel):
    """The n-grams beside a network; other keys are not looked at.

    Attributes:
        length: most tokens of one.
        share: of each score; 0 where the network is better alone.
        strength: C of the regressions.
        count: how many there are.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    length: int
    share: float
    strength: float
    count: int
