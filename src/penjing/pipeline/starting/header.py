"""Whether the first line of a table names its columns, or is a row like the others."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal

from penjing.data.column_names import COLUMN_NAMES, is_known, plain_name
from penjing.data.labels.schema import Column
from penjing.data.labels.times import parse_time
from penjing.data.scripts import count_words

FirstLine = Literal["names", "row", "unclear"]
_FEWEST_WORDS = 3  # of a cell that is taken for a text
_SHARE_OF_MEAN = 0.25  # of the words of the other texts, at least
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


def judge_first_line(cells: Sequence[str], columns: Sequence[Column], labels: Collection[str]) -> FirstLine:
    """Returns what a first line is; one that is unclear is read as names, as most first lines are.

    It is a row where a cell is what only a row has (one of the labels of the other rows, a number or a time among
    such), the cell of the text is as long as a text, and no cell is called what columns are. Length alone says
    nothing: the columns of surveys are called by whole questions.

    Args:
        cells: of the line.
        columns: what is below it, under these names.
        labels: the values below the column that looks like the label.
    """
    by_role = {column.looks_like: column for column in columns if column.looks_like}
    text, label = by_role.get("text"), by_role.get("label")
    if text is None:
        return "names"
    values = {column.name for column in columns if _is_of_values(column)}
    if label is not None and label.name in labels and plain_name(label.name) not in COLUMN_NAMES["label"]:
        values.add(label.name)
    if any(name and name not in values and is_known(name) for name in cells):
        return "names"
    is_long = count_words(text.name) >= max(_FEWEST_WORDS, _SHARE_OF_MEAN * text.words)
    if values and is_long:
        return "row"
    return "unclear" if values or is_long else "names"


def _is_of_values(column: Column) -> bool:
    """Returns whether a column's name is a number or a time, as all that is below it."""
    if column.kind == "time":
        return parse_time(column.name) is not None
    return column.kind in ("whole number", "number") and _NUMBER.fullmatch(column.name) is not None
