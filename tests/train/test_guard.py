from __future__ import annotations

import math

import pytest

from penjing.errors import TrainingError
from penjing.train.guard import LossGuard


def feed(guard: LossGuard, values: list[float]) -> None:
    for step, value in enumerate(values, start=1):
        guard.check(value, 1.0, step, 1e-3)


def test_falling_loss_with_spikes_goes_on() -> None:
    feed(LossGuard(), [9.0 - i / 100 + (5.0 if i % 50 == 0 else 0.0) for i in range(600)])


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_loss_that_is_no_number_stops_at_its_step(broken: float) -> None:
    with pytest.raises(TrainingError, match="step 3"):
        feed(LossGuard(), [9.0, 8.0, broken])


def test_diverging_loss_stops() -> None:
    with pytest.raises(TrainingError, match="diverges"):
        feed(LossGuard(), [9.0] * 50 + [30.0] * 500)
