"""Faults of files: refused at once, or written down while the rest goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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


def readable_name(name: str) -> str:
    """Returns a file's name as UTF-8 can write it: bytes that are no UTF-8 as \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class FaultMark:
    """How far a log was at a time; its list only grows.

    Attributes:
        count: how many faults there were.
        kept: how many of them are in the list.
        encodings: as of `FaultLog`.
        left_out: as of `FaultLog`.
    """

    count: int
    kept: int
    encodings: Counter[str]
    left_out: Counter[str]


class FaultLog:
    """What could not be read, while the rest was.

    Attributes:
        count: how many faults there were.
        faults: the first 10,000 of them.
        encodings: files by the encoding that they were read in.
        left_out: files of archives that no reader knows, by extension.
    """

    def __init__(self) -> None:
        self.count = 0
        self.faults: list[Fault] = []
        self.encodings: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def add(self, error: PenjingError) -> None:
        """Writes a fault down."""
        self.count += 1
        if len(self.faults) < _MOST_KEPT:
            self.faults.append(Fault(*map(readable_name, (error.where, error.what, error.do))))

    def mark(self) -> FaultMark:
        """Returns how far it is."""
        return FaultMark(self.count, len(self.faults), self.encodings.copy(), self.left_out.copy())

    def go_on(self, mark: FaultMark, faults: Sequence[Fault]) -> None:
        """Becomes as a log was at a mark.

        Args:
            mark: of that log.
            faults: its list, up to the mark at least.
        """
        self.count, self.faults = mark.count, list(faults[: mark.kept])
        self.encodings, self.left_out = mark.encodings.copy(), mark.left_out.copy()

    def merge(self, other: FaultLog) -> None:
        """Takes over what another log has."""
        self.count += other.count
        self.faults += other.faults[: _MOST_KEPT - len(self.faults)]
        self.encodings.update(other.encodings)
        self.left_out.update(other.left_out)
