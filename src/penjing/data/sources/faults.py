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


def readable_name(name: str) -> str:
    """Returns a file's name as UTF-8 can write it: bytes that are no UTF-8 as \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


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

    def merge(self, other: FaultLog) -> None:
        """Takes over what another log has."""
        self.count += other.count
        self.faults += other.faults[: _MOST_KEPT - len(self.faults)]
        self.encodings.update(other.encodings)
        self.left_out.update(other.left_out)
