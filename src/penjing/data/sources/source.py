"""What a source gives, and how a reader is told to read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from penjing.data.sources.faults import FaultLog
from penjing.errors import PenjingError, RecipeError

#: A batch ends at this many rows, or at about this many bytes, whichever comes first.
BATCH_ROWS = 1024
BATCH_BYTES = 4 << 20

#: How a file can be packed, by the end of its name.
PACKED = (".gz", ".zst", ".bz2", ".xz")
_ALIASES = {"ndjson": "jsonl", "feather": "arrow", "htm": "html", "xhtml": "html", "markdown": "md", "text": "txt"}

#: What to do where a table lacks a column that was asked for.
NAME_ANOTHER = "Name the one that is meant, in the recipe or by an option of the command (--help lists them)."

#: What one text is in a plain text file.
Unit: TypeAlias = Literal["line", "paragraph", "file"]


@dataclass(frozen=True)
class Layout:
    """How a file is to be read.

    Attributes:
        columns: names for the columns of a CSV or TSV file without a header line.
        max_line_mb: the longest line, row of CSV or document, in MB (10^6 bytes).
        quotes: whether cells may stand in double quotes; None: yes in CSV, no in TSV.
        unit: what one text is in a plain text file.
        encoding: of text files; None: UTF-8, "auto": found by the bytes.
        log: takes faults, and the rest of a file is read; None: the first fault is raised.
    """

    columns: tuple[str, ...] | None = None
    max_line_mb: float = 8
    quotes: bool | None = None
    unit: Unit = "line"
    encoding: str | None = None
    log: FaultLog | None = None

    @property
    def max_line_bytes(self) -> int:
        """The longest line in bytes."""
        return max(1, int(self.max_line_mb * 1e6))

    def report(self, fault: PenjingError) -> None:
        """Writes a fault down where the rest is to go on.

        Raises:
            PenjingError: the fault itself, where nothing is to be left out.
        """
        if self.log is None:
            raise fault
        self.log.add(fault)

    def strict(self) -> Layout:
        """Returns the same layout, under which the first fault is raised."""
        return replace(self, log=None)


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    Attributes:
        file: where they come from; of a file in an archive, the archive's path with the file's in it.
        columns: the values of each column asked for, [rows] each; None where a row has no value.
        rows: the number of each row as a spreadsheet shows it (a header line is row 1).
        lines: the line at which each row begins; not the row's number after a cell that holds line ends.
        consumed: how many bytes of the file (packed, if it is) were read since the batch before.
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
    """Returns the kind of a file by its extension, that of how it is packed apart."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    extension = name.rpartition(".")[2] if "." in name else ""
    return _ALIASES.get(extension, extension)


def is_packed(path: Path) -> bool:
    """Returns whether a file is packed by itself, as ``.gz`` says."""
    return path.name.lower().endswith(PACKED)


def file_size(path: Path) -> int:
    """Returns a file's bytes; 0 where it is gone, for whoever reads it says so."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def missing_column(file: Path, column: str, columns: Iterable[str], hint: str = "") -> RecipeError:
    """Returns the error for a column that a file does not have, with those that it has and the nearest."""
    names = [name if len(name) <= 40 else name[:39] + "…" for name in columns]
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    close = difflib.get_close_matches(column, names, n=1, cutoff=0.6)
    near = f'Did you mean "{close[0]}"?' if close else ""
    do = " ".join(part for part in (f"Its columns are: {shown}.", near, hint) if part)
    return RecipeError(f'there is no column "{column}"', where=file.name, do=do)


def check_names(file: Path, wanted: Sequence[str], names: Sequence[str]) -> None:
    """Refuses a table that has a column which is asked for more than once.

    Raises:
        RecipeError: with its name.
    """
    for column in wanted:
        if names.count(column) > 1:
            raise RecipeError(f'there are {names.count(column)} columns "{column}"', where=file.name, do="Rename one.")


def sole_column(file: Path, wanted: Sequence[str], hint: str) -> None:
    """Refuses to read several columns from a file of plain texts, whose one column has whatever name is asked for.

    Raises:
        RecipeError: more than one column is asked for.
    """
    if len(wanted) > 1:
        raise RecipeError(
            f"a .{kind_of(file)} file has one column, the text, and {len(wanted)} are asked for ({', '.join(wanted)})",
            where=file.name,
            do=hint,
        )
