"""CSV and TSV files."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from penjing.data.sources.blocks import Block, read_blocks
from penjing.data.sources.source import (
    BATCH_BYTES,
    BATCH_ROWS,
    NAME_ANOTHER,
    Batch,
    Layout,
    check_names,
    missing_column,
    name_row,
)
from penjing.errors import DataError

# The module's own limit is one for the whole process, and far below a long review; `_Lines` holds ours.
_NO_FIELD_LIMIT = 2**31 - 1

_DELIMITERS = {";": "semicolons", "\t": "tabs", ",": "commas", "|": "bars"}

#: The number of a row, the line at which it begins, and its cells.
_Numbered: TypeAlias = tuple[int, tuple[int, list[str]]]


def read_csv(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads comma-separated values (RFC 4180): a cell in double quotes may hold commas, line ends and doubled quotes.

    Args:
        path: the file.
        wanted: the columns to read.
        layout: how to read it; ``columns`` names those of a file without a header line.

    Raises:
        RecipeError: a column is missing.
        DataError: a row has too many or too few cells, is too long, or breaks the rules of quotes or UTF-8.
    """
    yield from _read(path, wanted, layout, ",", has_quotes=layout.quotes is not False)


def read_tsv(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads tab-separated values; a double quote is a character like any other, unless ``layout.quotes`` is true.

    Args and Raises: as `read_csv`.
    """
    yield from _read(path, wanted, layout, "\t", has_quotes=layout.quotes is True)


def read_header(path: Path, layout: Layout, delimiter: str) -> list[str]:
    """Returns the cells of the first line that is not blank, as the rows' reader takes them apart.

    Args:
        path: the file.
        layout: how to read it.
        delimiter: the sign between cells.

    Returns:
        The cells without spaces around them; none where the file has no line.

    Raises:
        DataError: as `read_csv`.
    """
    has_quotes = layout.quotes if layout.quotes is not None else delimiter == ","
    rows = _rows_of(_Lines(path, layout), delimiter, has_quotes=has_quotes)
    stripped = ([cell.strip() for cell in cells] for _, cells in rows)
    return next((cells for cells in stripped if cells not in ([], [""])), [])


class _RowTooLong(Exception):  # noqa: N818 - nobody else sees it
    """A row has more bytes than a row may have."""


class _Lines:
    """The lines of a file, with how far the reading is.

    Attributes:
        offset: bytes of text handed out, to the block.
        consumed: bytes of the file read, to the block.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout
        self.offset = self.consumed = 0
        self._texts = (line for block in self.blocks() for line in io.StringIO(block.text, newline="\n"))
        self._again: deque[str] = deque()
        self._of_row: list[str] = []
        self._row_bytes = 0

    def blocks(self) -> Iterator[Block]:
        for block in read_blocks(self.path, self.layout):
            self.offset += block.size
            self.consumed += block.consumed
            yield block

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._texts)
        self._of_row.append(line)
        self._row_bytes += len(line)
        if self._row_bytes > self.layout.max_line_bytes and len(self._of_row) > 1:
            raise _RowTooLong
        return line

    def finish_row(self) -> None:
        """A row is complete; what comes next belongs to the next."""
        self._of_row.clear()
        self._row_bytes = 0

    def give_back(self) -> None:
        """The row that is being read is none but for its first line: the others come again."""
        self._again.extendleft(reversed(self._of_row[1:]))
        self.finish_row()

    def too_long(self, line: int) -> DataError:
        return DataError(
            f"the row that begins here is longer than {self.layout.max_line_mb:g} MB",
            where=f"{self.path.name}, line {line:,}",
            do="Most often a double quote was opened and never closed: correct it, or set quotes = false. "
            "If the row is meant, raise max_line_mb in the recipe.",
        )


def _quoted_rows(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the line at which each row begins, and its cells; a blank line is a row without cells."""
    csv.field_size_limit(_NO_FIELD_LIMIT)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    first, row, before = 1, 1, 0  # before: lines that earlier readers have read
    while True:
        try:
            cells = next(reader, None)
            if cells is None:
                return
            last = before + reader.line_num
            if last > first and sum(len(cell.encode()) for cell in cells) > lines.layout.max_line_bytes:
                raise _RowTooLong
            lines.finish_row()
        except (csv.Error, _RowTooLong) as error:
            is_long = isinstance(error, _RowTooLong)
            lines.layout.report(
                lines.too_long(first) if is_long else _broken_quotes(lines.path, row, first, str(error))
            )
            # Only its first line is lost: a quote that is never closed would take the rest of the file with it.
            lines.give_back()
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            cells, last, before = [], first, first
        yield first, cells
        first, row = last + 1, row + 1


def _broken_quotes(path: Path, row: int, line: int, message: str) -> DataError:
    where = name_row(path, row, line)
    if "new-line character" in message:
        return DataError(
            "there is a carriage return outside quotes",
            where=where,
            do="Save the file with line ends of Unix or Windows, or put the cell in double quotes.",
        )
    what = (
        "a double quote is opened and never closed"
        if "unexpected end" in message
        else "a double quote stands inside a quoted cell"
    )
    return DataError(
        what,
        where=where,
        do='Inside a quoted cell a double quote is written twice (""). '
        "If quotes mean nothing in this file, set quotes = false.",
    )


def _plain_rows(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for block in lines.blocks():
        every = block.text.split("\n")
        if not every[-1]:
            del every[-1]
        for number, line in enumerate(every, start=block.first_line):
            line = line.removesuffix("\r")
            yield number, line.split(delimiter) if line else []


def _rows_of(lines: _Lines, delimiter: str, *, has_quotes: bool) -> Iterator[tuple[int, list[str]]]:
    return _quoted_rows(lines, delimiter) if has_quotes else _plain_rows(lines, delimiter)


def _read(path: Path, wanted: Sequence[str], layout: Layout, delimiter: str, *, has_quotes: bool) -> Iterator[Batch]:
    lines = _Lines(path, layout)
    numbered: Iterator[_Numbered] = enumerate(_rows_of(lines, delimiter, has_quotes=has_quotes), start=1)
    names, numbered = _name_columns(layout, numbered)
    if not names and layout.log is not None:
        return  # why there is no header line is in the log
    indices = {column: _index(path, column, names, wanted, layout, delimiter) for column in wanted}
    kept: list[list[str]] = []
    rows: list[int] = []
    starts: list[int] = []
    consumed = offset = 0
    try:
        for row, (line, cells) in numbered:
            if len(cells) != len(names):
                if cells:
                    layout.report(_ragged(path, row, line, len(cells), names, delimiter))
                continue
            kept.append(cells)
            rows.append(row)
            starts.append(line)
            if len(rows) >= BATCH_ROWS or lines.offset - offset > BATCH_BYTES:
                yield _batch(path, kept, indices, rows, starts, lines.consumed - consumed)
                kept, rows, starts = [], [], []
                consumed, offset = lines.consumed, lines.offset
    except DataError as fault:  # the rest cannot be read; the rows before it are whole
        layout.report(fault)
    yield _batch(path, kept, indices, rows, starts, lines.consumed - consumed)


def _name_columns(layout: Layout, numbered: Iterator[_Numbered]) -> tuple[list[str], Iterator[_Numbered]]:
    """Returns the columns' names, from the layout or the header line, and the rows that follow.

    A first line that is just the names of the layout is a header after all.
    """
    first = next((entry for entry in numbered if entry[1][1]), None)
    header = [cell.strip() for cell in first[1][1]] if first else []
    if layout.columns is None or header == list(layout.columns):
        return header, numbered
    return list(layout.columns), chain([first] if first else [], numbered)


def _index(path: Path, column: str, names: list[str], wanted: Sequence[str], layout: Layout, delimiter: str) -> int:
    if column not in names:
        hint = _other_delimiter(names, delimiter) or NAME_ANOTHER
        if not layout.columns and hint is NAME_ANOTHER:
            every = ", ".join(f'"{name}"' for name in wanted)
            hint += f" If there is no header line, name all columns: columns = [{every}] in a recipe, or --columns."
        raise missing_column(path, column, names, hint)
    check_names(path, [column], names)
    return names.index(column)


def _other_delimiter(names: list[str], delimiter: str) -> str:
    """Returns what to do with a file whose only column is several with another sign between them, if it is such."""
    found = next((sign for sign in _DELIMITERS if sign != delimiter and len(names) == 1 and sign in names[0]), None)
    if found is None:
        return ""
    return (
        f"Its cells seem to have {_DELIMITERS[found]} between them, and are to have {_DELIMITERS[delimiter]}: "
        "save it with commas as .csv, or with tabs as .tsv."
    )


def _batch(
    path: Path, kept: list[list[str]], indices: dict[str, int], rows: list[int], starts: list[int], consumed: int
) -> Batch:
    columns = {column: [cells[index] for cells in kept] for column, index in indices.items()}
    return Batch(path, columns, rows, starts, consumed)


def _ragged(path: Path, row: int, line: int, cells: int, names: list[str], delimiter: str) -> DataError:
    shown = ", ".join(name if len(name) <= 40 else name[:39] + "…" for name in names[:20])
    other = _other_delimiter(names, delimiter)
    cause = (
        "A tab inside a text must go." if delimiter == "\t" else "A text that holds a comma stands in double quotes."
    )
    many = "1 cell" if cells == 1 else f"{cells} cells"
    return DataError(
        f"the row has {many}, expected are {len(names)} ({shown})",
        where=name_row(path, row, line),
        do=other or f"Correct the row. {cause}",
    )
