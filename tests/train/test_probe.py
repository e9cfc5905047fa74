from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

import pytest

from penjing.train.probe import _LEAST_STEPS, _StopWhenSure

Take = Callable[[float, list[float]], tuple[int, float]]


@pytest.fixture
def take(monkeypatch: pytest.MonkeyPatch) -> Take:
    """A function that takes steps, four seconds of them at most, by a clock that the test sets.

    Given are the seconds of the first step and, again and again, those of the others; returned are how many steps were
    taken and the seconds of all but the first.
    """
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)

    def run(first: float, others: list[float]) -> tuple[int, float]:
        nonlocal now
        stop, steps = _StopWhenSure(4.0, _LEAST_STEPS), itertools.chain([first], itertools.cycle(others))
        now += next(steps)
        for taken in itertools.count(1):
            if stop.should_stop():
                return taken, now - first
            now += next(steps)
        raise AssertionError

    return run


def test_steps_that_take_equally_long_are_measured_for_a_second(take: Take) -> None:
    assert take(30.0, [0.07]) == (16, pytest.approx(1.05))  # the first compiles


def test_steps_that_differ_much_are_measured_until_the_time_is_up(take: Take) -> None:
    assert take(0.1, [0.05, 0.5])[1] == pytest.approx(4.2, abs=0.3)


def test_steps_that_differ_little_are_measured_until_their_mean_is_known(take: Take) -> None:
    steps, seconds = take(0.1, [0.045, 0.055])
    assert 1.0 < seconds < 4.0
    assert 0.005 / math.sqrt(steps - 1) == pytest.approx(0.02 * 0.05, rel=0.05)


def test_so_many_steps_are_taken_however_long_they_are(take: Take) -> None:
    assert take(9.0, [9.0])[0] == _LEAST_STEPS
