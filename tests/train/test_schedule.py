from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.train.schedule import Schedule, ScheduleKind


@given(st.floats(0, 1), st.floats(0, 0.9), st.sampled_from(get_args(ScheduleKind)), st.floats(0.01, 50))
def test_factor_stays_between_zero_and_one(done: float, warmup: float, kind: ScheduleKind, epochs: float) -> None:
    assert 0.0 <= Schedule(kind, warmup, 0.2, epochs).factor(done * epochs) <= 1.0


@pytest.mark.parametrize(("kind", "middle"), [("linear", 0.5), ("cosine", 0.5), ("constant", 1.0)])
@pytest.mark.parametrize("epochs", [0.5, 1, 3])
def test_factor_rises_then_falls(kind: ScheduleKind, middle: float, epochs: float) -> None:
    schedule = Schedule(kind, 0.1, 0.2, epochs)
    assert schedule.factor(0.05 * epochs) == pytest.approx(0.5)
    assert schedule.factor(0.1 * epochs) == pytest.approx(1.0)
    assert schedule.factor(0.55 * epochs) == pytest.approx(middle)
    assert schedule.factor(epochs) == pytest.approx(1.0 if kind == "constant" else 0.0)


def test_wsd_rises_stays_and_falls_by_the_root() -> None:
    schedule = Schedule("wsd", 0.1, 0.2, 4)
    assert schedule.factor(0.05) == pytest.approx(0.5)
    assert [schedule.factor(epochs) for epochs in (0.1, 2, 3.2)] == [1, 1, 1]
    assert schedule.factor(3.4) == pytest.approx(0.5)  # a quarter of the decay
    assert schedule.factor(4) == 0


@given(st.floats(1, 8), st.floats(1, 8), st.floats(0, 1))
def test_wsd_of_a_longer_run_begins_as_that_of_a_shorter_one(one: float, other: float, share: float) -> None:
    runs = [Schedule("wsd", 0.06, 0.2, epochs) for epochs in (one, other)]
    both_stable = share * min(run.stable_epochs for run in runs)
    assert runs[0].factor(both_stable) == runs[1].factor(both_stable)  # to the bit
