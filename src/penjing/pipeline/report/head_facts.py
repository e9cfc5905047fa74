"""What a report says of a head that was fitted to a network that stays as it is."""

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
