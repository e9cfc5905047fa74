"""Faults of files: refused at once, or written down while the rest goes on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from penjing.errors import PenjingError

_MOST_KEPT = 10_000


@dataclass(frozen=True)
class Fault:
    """Something that could not be read.

    Attributes:
        where: the file, and the row or line where there is one.
        what: what is wrong with it.
        do: what can be done about it.
    """

    where: str
    what: str
    do: str


class FaultLog:
    """What could not be read, while the rest was.

    Attributes:
        count: how many faults there were.
        faults: the first 10,000 of them.
        encodings: files by the encoding that they were read in.
    """

    def __init__(self) -> None:
        self.count = 0
        self.faults: list[Fault] = []
        self.encodings: Counter[str] = Counter()

    def add(self, error: PenjingError) -> None:
        """Writes a fault down."""
        self.count += 1
        if len(self.faults) < _MOST_KEPT:
            self.faults.append(Fault(error.where, error.what, error.do))
