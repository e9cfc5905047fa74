"""Documents: files that are one text each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from penjing.data.sources.blocks import read_whole
from penjing.data.sources.source import Batch, Layout, file_size, sole_column
from penjing.errors import DataError

#: Returns the text of a document: its unpacked bytes, its path (for errors), how to read it.
DocumentReader: TypeAlias = Callable[[bytes, Path, Layout], str]

_MOST_BYTES = 256 << 20


def read_document(path: Path, wanted: Sequence[str], layout: Layout, reader: DocumentReader) -> Iterator[Batch]:
    """Reads a document as one row; the one column has whatever name is asked for.

    Args:
        path: the file.
        wanted: one column.
        layout: how to read it.
        reader: makes a text of the file's bytes.

    Raises:
        RecipeError: more than one column is asked for.
        DataError: the file holds no text, is too large, or cannot be read.
    """
    sole_column(path, wanted, "Put texts with labels into a table, such as a .csv file.")
    text = reader(read_whole(path, _MOST_BYTES), path, layout)
    if not text or text.isspace():
        raise DataError("there is no text in it", where=path.name, do="Look into the file, or leave it out.")
    check_document_length(path, text, layout)
    yield Batch(path, {name: [text] for name in wanted}, [1], [1], file_size(path))


def check_document_length(path: Path, text: str, layout: Layout) -> None:
    """Refuses a document that is longer than a line may be.

    Raises:
        DataError: with how to allow it.
    """
    if len(text) > layout.max_line_bytes or len(text.encode("utf-8", "replace")) > layout.max_line_bytes:
        raise DataError(
            f"the text is longer than {layout.max_line_mb:g} MB",
            where=path.name,
            do="If that is meant, raise max_line_mb in the recipe.",
        )
