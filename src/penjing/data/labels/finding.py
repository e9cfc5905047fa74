"""What a check of labelled rows finds: the one shape of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from penjing.data.labels.table import LabelTable, RowView
from penjing.progress import Progress


@dataclass(frozen=True)
class Case:
    """Rows to look at together.

    Attributes:
        rows: one, or some that hang together.
        values: what is said of them, by name.
    """

    rows: tuple[RowView, ...]
    values: dict[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: its name.
        counts: how many there are, by name; the first is what the check is after.
        cases: all of them, those most worth a look first.
        skipped: why it was not done, by name; empty if it was.
        details: what belongs to ``skipped``.
    """

    check: str
    counts: dict[str, int] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()
    skipped: str = ""
    details: dict[str, str | int] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """How many there are of what the check is after."""
        return next(iter(self.counts.values()), 0)


#: A check: rows, and who is told how far it is → what it found; None where it does not apply.
Check: TypeAlias = Callable[[LabelTable, Progress], Finding | None]


def group_rows(rows: Iterable[int], keys: Iterable[str | bytes]) -> dict[str | bytes, list[int]]:
    """Returns the rows of each key, in the order in which they came."""
    groups: dict[str | bytes, list[int]] = {}
    for row, key in zip(rows, keys, strict=True):
        groups.setdefault(key, []).append(row)
    return groups
