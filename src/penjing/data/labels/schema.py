"""What the columns of files hold, and which of them look like the text and the label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.data.labels.times import parse_time
from penjing.data.plain import plain_value, whole_number
from penjing.data.sources import Layout, read_file
from penjing.data.sources.columns import list_columns

_WHOLE_NUMBER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TRUTHS = frozenset(("true", "false"))
_MOST_LABELS = 200
_LONGEST_LABEL = 60  # characters
_FEWEST_ROWS_A_LABEL = 2.0
_SHORTEST_TEXT = 10.0  # characters, on average


@dataclass(frozen=True)
class Column:
    """A column of some files.

    Attributes:
        name: of it.
        kind: ``text``, ``whole number``, ``number``, ``truth value``, ``time``, ``nested`` or ``empty``.
        rows: how many there are, empty ones too.
        empty: cells without a value.
        distinct: different values.
        characters: of a value, on average.
        looks_like: ``text``, ``label`` or nothing. It is a guess that is shown and never acted on.
    """

    name: str
    kind: str
    rows: int
    empty: int
    distinct: int
    characters: float
    looks_like: str = ""


def describe_columns(files: Sequence[Path], layout: Layout, most_rows: int | None = None) -> list[Column]:
    """Returns what the columns of files hold, those of the same name together.

    Args:
        files: the files.
        layout: how they are read.
        most_rows: about how many rows of each file are read, the first ones; None: all.

    Raises:
        DataError: a file cannot be used.
    """
    tallies: dict[str, _Tally] = {}
    for file in files:
        names = list_columns(file, layout)
        rows = 0
        for batch in read_file(file, names, layout) if names else ():
            for name, values in batch.columns.items():
                tallies.setdefault(name, _Tally()).add(values)
            rows += len(batch.rows)
            if most_rows is not None and rows >= most_rows:
                break
    columns = [tally.column(name) for name, tally in tallies.items()]
    text, label = _likely_text(columns), _likely_label(columns)
    return [
        Column(**{**vars(column), "looks_like": "text" if column is text else "label" if column is label else ""})
        for column in columns
    ]


def say_candidates(columns: Sequence[Column]) -> str:
    """Returns a sentence on which columns look like the text and the label; empty where none does."""
    found = {column.looks_like: column.name for column in columns if column.looks_like}
    roles = [role for role in ("text", "label") if role in found]
    parts = [f'"{found[role]}" looks like the {role} (--{role} {found[role]})' for role in roles]
    return f"{' and '.join(parts)}." if parts else ""


def _likely_text(columns: Sequence[Column]) -> Column | None:
    fitting = [c for c in columns if c.kind == "text" and c.characters >= _SHORTEST_TEXT]
    return max(fitting, key=lambda column: column.characters, default=None)


def _likely_label(columns: Sequence[Column]) -> Column | None:
    """Returns the column of the fewest different values that come again and again."""
    text = _likely_text(columns)
    fitting = [
        column
        for column in columns
        if column is not text
        and column.kind in ("text", "whole number", "truth value")
        and 2 <= column.distinct <= _MOST_LABELS
        and column.characters <= _LONGEST_LABEL
        and column.rows - column.empty >= _FEWEST_ROWS_A_LABEL * column.distinct
    ]
    return min(fitting, key=lambda column: column.distinct, default=None)


class _Tally:
    """Counts the values of a column."""

    def __init__(self) -> None:
        self.rows = self.empty = self.characters = 0
        self.kinds: dict[str, int] = {}
        self.seen: set[int] = set()

    def add(self, values: Sequence[Any]) -> None:
        for value in values:
            self.rows += 1
            plain = plain_value(value)
            if not plain:
                self.empty += 1
                continue
            self.characters += len(plain)
            self.seen.add(hash(plain))
            kind = "nested" if isinstance(value, dict | list) else _kind_of(whole_number(plain))
            self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def column(self, name: str) -> Column:
        filled = self.rows - self.empty
        return Column(name, self._kind(), self.rows, self.empty, len(self.seen), self.characters / max(1, filled))

    def _kind(self) -> str:
        """Returns the one kind that all values are of."""
        kinds = set(self.kinds)
        if not kinds:
            return "empty"
        if len(kinds) == 1:
            return kinds.pop()
        return "number" if kinds == {"number", "whole number"} else "text"


def _kind_of(value: str) -> str:
    if _WHOLE_NUMBER.fullmatch(value):
        return "whole number"
    if _NUMBER.fullmatch(value):
        return "number"
    if value.lower() in _TRUTHS:
        return "truth value"
    return "time" if parse_time(value) is not None else "text"
