"""What a model is asked with, lists or tables, and answers in the same kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, count
from types import MappingProxyType
from typing import Any

import narwhals as nw

from penjing.errors import UsageError, nearest


def is_table(rows: Any) -> bool:
    """Whether ``rows`` is a pandas, Polars or Arrow table, or a column of one."""
    return isinstance(nw.from_native(rows, pass_through=True, allow_series=True), nw.DataFrame | nw.Series)


def is_frame(rows: Any) -> bool:
    """Whether ``rows`` is a pandas, Polars or Arrow table, and no column of one."""
    return isinstance(nw.from_native(rows, pass_through=True), nw.DataFrame)


def as_table(rows: Any, column: str) -> Any:
    """Returns a column of texts as a table of that column alone, its index kept; anything else as it is.

    Args:
        rows: what the model is asked with.
        column: how a column without a name is called.
    """
    series = nw.from_native(rows, pass_through=True, allow_series=True)
    if not isinstance(series, nw.Series):
        return rows
    return series.alias(series.name or column).to_frame().to_native()


def texts_of(rows: Any, column: str) -> list[str]:
    """Returns the texts of a list of texts, a list of rows (dictionaries), a column or a table.

    Args:
        rows: what the model is asked with; of a table, the one column that has this name, or a column by itself.
        column: the column of texts in rows and tables.

    Raises:
        UsageError: the column is missing, or something is no text or is empty.
    """
    if isinstance(rows, str):
        raise UsageError("predict takes a list of texts, not one text", do='Write model.predict(["…"]).')
    table = nw.from_native(rows, pass_through=True, allow_series=True)
    if isinstance(table, nw.LazyFrame):
        raise UsageError("predict cannot read a frame that is still to be computed", do="Call collect() on it first.")
    if isinstance(table, nw.Series):
        values: list[Any] = table.to_list()
    elif isinstance(table, nw.DataFrame):
        if column not in table.columns:
            raise _missing(column, table.columns)
        values = table.get_column(column).to_list()
    elif isinstance(rows, Sequence):
        values = [_value(row, column) for row in rows]
    else:
        raise UsageError(
            f"predict cannot read a {type(rows).__name__}", do="Give a list, or a pandas, Polars or Arrow table."
        )
    for number, value in enumerate(values, start=1):
        if not isinstance(value, str):
            raise UsageError(f"{value!r} is no text", where=f"row {number}", do="Give text, or drop the row.")
        if not value.strip():
            raise UsageError("the text is empty", where=f"row {number}", do="Give text, or drop the row.")
        if not _is_unicode(value):
            raise UsageError(
                "the text holds bytes that are no UTF-8, or half of a surrogate pair",
                where=f"row {number}",
                do="Convert the text first, or drop the row.",
            )
    return values


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _value(row: Any, column: str) -> Any:
    if not isinstance(row, Mapping):
        return row
    if column not in row:
        raise _missing(column, list(row))
    return row[column]


def _missing(column: str, columns: list[str]) -> UsageError:
    return UsageError(f'there is no column "{column}"', where="predict", do=nearest(column, columns))


def with_columns(
    table: Any, texts: Mapping[str, Sequence[str]], numbers: Mapping[str, Sequence[float]] = MappingProxyType({})
) -> Any:
    """Returns the table with columns of texts and of numbers added, in its own kind.

    What is already there, the true label for instance, is kept as it is: a new column is then called as `free_name`
    says.
    """
    frame = nw.from_native(table, eager_only=True)
    backend = nw.get_native_namespace(frame)
    kinds = [(nw.String(), texts), (nw.Float64(), numbers)]
    added = [
        nw.new_series(free_name(name, frame.columns), values, kind, backend=backend)
        for kind, columns in kinds
        for name, values in columns.items()
    ]
    if nw.get_native_namespace(frame).__name__ == "pandas":
        added = [nw.maybe_set_index(series, index=frame.to_native().index) for series in added]
    return frame.with_columns(*added).to_native()


def free_name(name: str, columns: Sequence[str]) -> str:
    """Returns how an answer is called in a table with such columns.

    >>> free_name("label", ["text"])
    'label'
    >>> free_name("label", ["text", "label"]), free_name("label", ["text", "label", "predicted_label"])
    ('predicted_label', 'predicted_label_2')
    """
    numbered = (f"predicted_{name}_{number}" for number in count(2))
    return next(called for called in chain((name, f"predicted_{name}"), numbered) if called not in columns)
