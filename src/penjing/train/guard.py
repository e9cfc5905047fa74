"""Watches the loss, and stops a run that cannot come to anything."""

from __future__ import annotations

import math
from dataclasses import dataclass

from penjing.errors import TrainingError

_FIRST_STEPS = 20
_SMOOTHING = 0.97
_PATIENCE_STEPS = 100


@dataclass
class LossGuard:
    """Stops at once at a loss that is not a number, and at one that stays far above where it began.

    Attributes:
        steps: losses seen.
        first: mean of the first losses.
        smoothed: running average of the loss.
        high_steps: for how many steps in a row the average has been above one and a half times the first mean.
        last: the last finite loss.
    """

    steps: int = 0
    first: float = 0.0
    smoothed: float = 0.0
    high_steps: int = 0
    last: float = math.nan

    def check(self, loss: float, gradient_norm: float, step: int, learning_rate: float) -> None:
        """Takes the loss of a step, before the weights are changed by it.

        Raises:
            TrainingError: the loss or the gradient is not finite, or training has diverged.
        """
        if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
            broken = "loss" if not math.isfinite(loss) else "gradient"
            raise TrainingError(
                f"the {broken} is not a number (loss {loss:.4g}, gradient norm {gradient_norm:.4g}, "
                f"learning rate {learning_rate:.3g}; the last finite loss was {self.last:.4g})",
                where=f"step {step}",
                do="The weights of the last checkpoint are kept. Lower learning_rate, raise warmup, or set "
                'precision = "fp32".',
            )
        self.last = loss
        self.steps += 1
        if self.steps <= _FIRST_STEPS:
            self.first += (loss - self.first) / self.steps
            self.smoothed = self.first
            return
        self.smoothed = _SMOOTHING * self.smoothed + (1 - _SMOOTHING) * loss
        self.high_steps = self.high_steps + 1 if self.smoothed > 1.5 * self.first else 0
        if self.high_steps >= _PATIENCE_STEPS:
            raise TrainingError(
                f"training diverges: the loss began at {self.first:.3g} and has been about {self.smoothed:.3g} "
                f"for {self.high_steps} steps (learning rate {learning_rate:.3g})",
                where=f"step {step}",
                do="The weights of the last checkpoint are kept. Lower learning_rate, or raise warmup.",
            )
