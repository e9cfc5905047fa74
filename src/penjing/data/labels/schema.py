"""What the columns of files hold, and which of them look like the text and the label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penjing.data.column_names import is_aside, named
from penjing.data.labels.times import parse_time
from penjing.data.plain import plain_value, whole_number
from penjing.data.scripts import count_words
from penjing.data.sources import Layout, read_file
from penjing.data.sources.columns import list_columns

_WHOLE_NUMBER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TRUTHS = frozenset(("true", "false"))
_MOST_LABELS = 200
_LONGEST_LABEL = 60  # characters
_FEWEST_ROWS_A_LABEL = 2.0
_SHORTEST_TEXT = 2.0  # words, on average
_LOOKED_AT = 2000  # values whose words are counted
_MOSTLY = 0.9
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+|www\.\S+|[^@\s]+@[^@\s]+[.][a-z]+"  # of the web, and of mail
    r"|(?:[a-z]:)?[\\/]?(?:[^\\/\s]+[\\/])+[^\\/\s]*\.\w{1,5}|(?:[a-z]:[\\/]|~?/)\S+"  # paths
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}.{0,12}|\d{4}年\d{1,2}月\d{1,2}日.{0,12}"  # dates that parse_time leaves
    r"|[a-z]{3,9}\.? \d{1,2},? \d{4}.{0,12}|\d{1,2}\.? [a-z]{3,9}\.? \d{4}.{0,12}",
    re.IGNORECASE,
)


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
        words: of a value, on average.
        is_address: whether most values are addresses, paths of files or dates.
        looks_like: ``text``, ``label`` or nothing. It is a guess: ``penjing data`` only shows it, ``penjing new`` goes
            by it.
    """

    name: str
    kind: str
    rows: int
    empty: int
    distinct: int
    characters: float
    words: float = 0.0
    is_address: bool = False
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
    text = _likely_text(columns)
    label = _likely_label(columns, text)
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


def is_guessable(column: Column) -> bool:
    """Returns whether a column may be taken for one of texts or labels though its name does not say so."""
    return not column.is_address and not is_aside(column.name)


def is_label_like(column: Column) -> bool:
    """Returns whether a column's values are few, and come again and again."""
    filled = column.rows - column.empty
    return 2 <= column.distinct <= _MOST_LABELS and filled >= _FEWEST_ROWS_A_LABEL * column.distinct


def called(columns: Sequence[Column], role: str, kinds: Sequence[str] = ("text",)) -> list[Column]:
    """Returns the columns of some kinds that are called what a role's are, the likeliest first."""
    by_name = {column.name: column for column in columns if column.kind in kinds and not column.is_address}
    return [by_name[name] for name in named(by_name, role)]


def _likely_text(columns: Sequence[Column]) -> Column | None:
    """Returns the column that is called what texts are, or else that of the longest."""
    fitting = [c for c in columns if c.kind == "text" and c.words >= _SHORTEST_TEXT and is_guessable(c)]
    guess = max(fitting, key=lambda column: column.characters, default=None)
    return next(iter(called(columns, "text")), guess)


def _likely_label(columns: Sequence[Column], text: Column | None) -> Column | None:
    """Returns the column whose values come again and again and that is called what labels are, or else has the fewest.

    Where there is none a name is enough, as in a file of two rows; of numbers with a fraction it is not.
    """
    fitting = {
        column.name: column
        for column in columns
        if column is not text
        and column.kind in ("text", "whole number", "number", "truth value")
        and 1 <= column.distinct <= _MOST_LABELS
        and column.characters <= _LONGEST_LABEL
        and not column.is_address
    }
    repeated = {name: column for name, column in fitting.items() if is_label_like(column)}
    likely = [repeated[name] for name in named(repeated, "label")]
    guesses = [column for column in repeated.values() if column.kind != "number" and is_guessable(column)]
    likely += sorted(guesses, key=lambda column: column.distinct)
    likely += [fitting[name] for name in named(fitting, "label") if fitting[name].kind != "number"]
    return next(iter(likely), None)


class _Tally:
    """Counts the values of a column."""

    def __init__(self) -> None:
        self.rows = self.empty = self.characters = self.looked_at = self.addresses = 0
        self.words = 0.0
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
            if self.looked_at < _LOOKED_AT:
                self.looked_at += 1
                self.words += count_words(plain)
                self.addresses += _ADDRESS.fullmatch(plain) is not None
            kind = "nested" if isinstance(value, dict | list) else _kind_of(whole_number(plain))
            self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def column(self, name: str) -> Column:
        characters = self.characters / max(1, self.rows - self.empty)
        looked_at = max(1, self.looked_at)
        is_address = self.addresses > _MOSTLY * looked_at
        counts = (self.rows, self.empty, len(self.seen))
        return Column(name, self._kind(), *counts, characters, self.words / looked_at, is_address)

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
