"""What a source gives, and the door to the registered readers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from penjing.errors import RecipeError
from penjing.registry import load_registered, registered_names

#: A batch ends at this many rows, or at about this many bytes, whichever comes first.
BATCH_ROWS = 1024
BATCH_BYTES = 4 << 20

_ALIASES = {"ndjson": "jsonl"}


@dataclass(frozen=True)
class Layout:
    """How a file is to be read.

    Attributes:
        columns: names for the columns of a CSV or TSV file without a header line.
        max_line_mb: the longest line, and the longest row of CSV, in MB (10^6 bytes).
        quotes: whether cells may stand in double quotes; None: yes in CSV, no in TSV.
    """

    columns: tuple[str, ...] | None = None
    max_line_mb: float = 8
    quotes: bool | None = None

    @property
    def max_line_bytes(self) -> int:
        """The longest line in bytes."""
        return max(1, int(self.max_line_mb * 1e6))


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    Attributes:
        file: where they come from.
        columns: the values of each column asked for, [rows] each; None where a row has no value.
        rows: the number of each row as a spreadsheet shows it (a header line is row 1).
        lines: the line at which each row begins; not the row's number after a cell that holds line ends.
        consumed: how many bytes of the file (packed, if it is gzip) were read since the batch before.
    """

    file: Path
    columns: dict[str, list[Any]]
    rows: list[int]
    lines: list[int]
    consumed: int

    def place(self, index: int) -> str:
        """Names a row for an error, for example ``reviews.csv, row 812``."""
        return name_row(self.file, self.rows[index], self.lines[index])


#: A reader of one kind of file: the file, the columns wanted, the layout.
Reader: TypeAlias = Callable[[Path, Sequence[str], Layout], Iterator[Batch]]


def name_row(file: Path, row: int, line: int) -> str:
    """Names a row for an error; the line is added where it differs."""
    return f"{file.name}, row {row:,}" + (f" (line {line:,})" if line != row else "")


def kind_of(path: Path) -> str:
    """Returns the kind of a file by its extension, a ``.gz`` at the end apart."""
    name = path.name.lower().removesuffix(".gz")
    extension = name.rpartition(".")[2] if "." in name else ""
    return _ALIASES.get(extension, extension)


def read_file(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads a file in batches with the reader registered for its extension.

    Args:
        path: the file.
        wanted: the columns to read.
        layout: how to read it.

    Raises:
        RecipeError: the extension is unknown, or a column is missing.
        DataError: the file, or a row of it, cannot be used.
    """
    check_kind(path, registered_names("sources"))
    reader: Reader = load_registered("sources", kind_of(path))
    yield from reader(path, wanted, layout)


def check_kind(path: Path, known: Sequence[str]) -> None:
    """Refuses a file of unknown extension.

    Raises:
        RecipeError: with the extensions that are known.
    """
    kind = kind_of(path)
    if kind in known:
        return
    what = f'the extension ".{kind}" is not one that can be read' if kind else "the file name has no extension"
    do = f"Known are {', '.join('.' + name for name in known)}, each also as .gz (but for Parquet)."
    if kind == "json":
        do += " A .jsonl file holds one JSON object a line."
    raise RecipeError(what, where=str(path), do=do)


def missing_column(file: Path, column: str, columns: Iterable[str], hint: str = "") -> RecipeError:
    """Returns the error for a column that a file does not have, with those that it has and the nearest."""
    names = [name if len(name) <= 40 else name[:39] + "…" for name in columns]
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    close = difflib.get_close_matches(column, names, n=1, cutoff=0.6)
    near = f'Did you mean "{close[0]}"?' if close else ""
    do = " ".join(part for part in (f"Its columns are: {shown}.", near, hint) if part)
    return RecipeError(f'there is no column "{column}"', where=file.name, do=do)
