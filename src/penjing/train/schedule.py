"""The learning rate over a run, as a factor of its highest value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

_LONGEST_WARMUP = 0.1  # share of a run of less than an epoch

ScheduleKind = Literal["linear", "cosine", "constant", "wsd"]


@dataclass(frozen=True)
class Schedule:
    """How the learning rate goes over a run.

    Attributes:
        kind: how it falls to 0 after the warm-up: ``linear``, ``cosine`` (Loshchilov & Hutter 2017, arXiv 1608.03983,
            without restarts), ``constant`` (not at all), or ``wsd``: warm-up, stable, decay (Hu et al. 2024, arXiv
            2404.06395; the decay by the root as in Hägele et al. 2024, arXiv 2405.18392).
        warmup: share of the run over which it rises linearly from 0 to 1; with ``wsd`` share of the first epoch, so
            that a longer run begins like a shorter one, but at most a tenth (or that share) of a run of less than one.
        decay: last share of the run, over which ``wsd`` falls.
        epochs: passes over the data in the whole run.
    """

    kind: ScheduleKind
    warmup: float
    decay: float
    epochs: float

    def factor(self, epochs: float) -> float:
        """Returns the factor after so many passes over the data."""
        warmup = self.warmup_epochs
        if epochs < warmup:
            return epochs / warmup
        if self.kind == "constant":
            return 1.0
        if self.kind == "wsd":
            falling = (epochs - self.stable_epochs) / (self.epochs - self.stable_epochs)
            return 1.0 - math.sqrt(min(1.0, max(0.0, falling)))
        left = max(0.0, (self.epochs - epochs) / (self.epochs - warmup))
        return left if self.kind == "linear" else 0.5 * (1.0 - math.cos(math.pi * left))

    @property
    def warmup_epochs(self) -> float:
        """The passes over which it rises."""
        of_run = self.warmup * self.epochs
        if self.kind != "wsd":
            return of_run
        return min(self.warmup, max(of_run, _LONGEST_WARMUP * self.epochs))

    @property
    def stable_epochs(self) -> float:
        """The passes over which a run with more of them would do the same: none, but for ``wsd``."""
        return self.epochs * (1.0 - self.decay) if self.kind == "wsd" else 0.0
