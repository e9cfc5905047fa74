"""The door to the registered readers: tables, documents, archives of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from penjing.data.sources.archive import read_archive
from penjing.data.sources.document import DocumentReader, read_document
from penjing.data.sources.source import PACKED, Batch, Layout, Reader, kind_of
from penjing.errors import DataError, RecipeError
from penjing.registry import load_registered, registered_names

#: Files of rows, files that are one text each, and files that hold files.
TABLES, DOCUMENTS, ARCHIVES = "sources", "documents", ("zip",)
Kinds: TypeAlias = list[str]


def table_kinds() -> Kinds:
    """Returns the extensions of files of rows."""
    return registered_names(TABLES)


def known_kinds() -> Kinds:
    """Returns the extensions of all that can be read."""
    return sorted({*table_kinds(), *registered_names(DOCUMENTS), *ARCHIVES})


def read_file(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads a file in batches with the reader registered for its extension.

    A .txt file whose columns the layout names is read as .tsv: in a file of plain lines there would be none to name.

    Args:
        path: the file.
        wanted: the columns to read.
        layout: how to read it; where it has a log, faults are written down and the rest is read.

    Raises:
        RecipeError: the extension is unknown, or a column is missing.
        DataError: the file, or a row of it, cannot be used.
    """
    check_kind(path, known_kinds())
    kind = "tsv" if kind_of(path) == "txt" and layout.columns else kind_of(path)
    try:
        if kind in ARCHIVES:
            yield from read_archive(path, wanted, layout, read_file, [name for name in known_kinds() if name != kind])
        elif kind in registered_names(DOCUMENTS):
            document: DocumentReader = load_registered(DOCUMENTS, kind)
            yield from read_document(path, wanted, layout, document)
        else:
            table: Reader = load_registered(TABLES, kind)
            yield from table(path, wanted, layout)
    except DataError as fault:
        layout.report(fault)


def check_kind(path: Path, known: Sequence[str]) -> None:
    """Refuses a file of unknown extension.

    Raises:
        RecipeError: with the extensions that are known.
    """
    kind = kind_of(path)
    if kind in known:
        return
    what = f'the extension ".{kind}" is not one that can be read' if kind else "the file name has no extension"
    do = f"Known are {', '.join('.' + name for name in known)}, those of text also packed ({', '.join(PACKED)})."
    if kind in ("db", "sqlite", "sqlite3"):
        do = f"Ask it for rows: sqlite:{path}?SELECT … FROM …"
    elif kind == "doc":
        do = f"Save it as .docx. {do}"
    raise RecipeError(what, where=str(path), do=do)
