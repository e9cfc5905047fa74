from __future__ import annotations

from collections.abc import Iterator

import pytest

from penjing import sitting
from penjing.machine import used_energy_j
from penjing.sitting import Sitting


def count_energy(monkeypatch: pytest.MonkeyPatch, *readings: float | None) -> None:
    """Lets the counter, which this machine may not have, show these values."""
    left: Iterator[float | None] = iter(readings)
    monkeypatch.setattr(sitting, "read_energy_j", lambda: next(left))


def test_time_and_energy_go_on_from_earlier_sittings(monkeypatch: pytest.MonkeyPatch) -> None:
    count_energy(monkeypatch, 1000.0, 1030.0)
    second = Sitting(seconds=60.0, energy_j=500.0)
    assert second.energy_j == 530.0
    assert 60.0 < second.seconds < 70.0
    assert 0.0 < second.own_seconds < 10.0


@pytest.mark.parametrize(("before", "first", "last"), [(None, 1.0, 2.0), (5.0, None, 2.0), (5.0, 9.0, 2.0)])
def test_energy_is_unknown_where_a_sitting_did_not_tell(
    monkeypatch: pytest.MonkeyPatch, before: float | None, first: float | None, last: float
) -> None:
    count_energy(monkeypatch, first, last)
    assert Sitting(0.0, before).energy_j is None


def test_used_energy_is_the_difference_of_two_readings() -> None:
    assert used_energy_j(2.0, 5.0) == 3.0
    assert used_energy_j(2.0, None) is None
