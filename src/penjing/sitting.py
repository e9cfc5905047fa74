"""What a run takes in time and energy, over all the sittings in which it was done."""

from __future__ import annotations

import time

from penjing.machine import read_energy_j, used_energy_j


class Sitting:
    """Counts from now on, on top of what earlier sittings took.

    Args:
        seconds: that earlier sittings took.
        energy_j: that the processors used meanwhile, in joules; None where that is not known.
    """

    def __init__(self, seconds: float, energy_j: float | None) -> None:
        self._seconds, self._energy_j = seconds, energy_j
        self._began, self._first_reading = time.perf_counter(), read_energy_j()

    @property
    def own_seconds(self) -> float:
        """Seconds of this sitting alone."""
        return time.perf_counter() - self._began

    @property
    def seconds(self) -> float:
        """Seconds of all sittings."""
        return self._seconds + self.own_seconds

    @property
    def energy_j(self) -> float | None:
        """Joules of all sittings; None where one of them is not known."""
        own = used_energy_j(self._first_reading, read_energy_j())
        return None if own is None or self._energy_j is None else self._energy_j + own
