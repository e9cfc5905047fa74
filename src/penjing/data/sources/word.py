"""Word documents (.docx): paragraphs and tables in their order."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from penjing.data.sources.source import Layout
from penjing.errors import DataError, MissingExtraError

_MOST_BYTES = 64 << 20


def read_word(data: bytes, path: Path, layout: Layout) -> str:
    """Returns a document's text: a line for each paragraph and each row of a table, whose cells tabs set apart.

    Raises:
        DataError: the file is no Word document, or is damaged.
        MissingExtraError: python-docx is not installed.
    """
    try:
        import docx
        from docx.opc.exceptions import PackageNotFoundError
    except ImportError as error:
        raise MissingExtraError("python-docx", "documents", "Reading Word documents") from error
    _check_size(data, path)
    try:
        document = docx.Document(io.BytesIO(data))
        lines = [line for part in document.iter_inner_content() for line in _lines(part)]
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:
        raise DataError(
            "the file is no Word document (.docx), or it is damaged", where=path.name, do="Save it anew as .docx."
        ) from error
    return "\n".join(lines).strip()


def _check_size(data: bytes, path: Path) -> None:
    """Refuses a document that unpacks to more than a document can be."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            size = sum(info.file_size for info in parts.infolist() if info.filename.endswith(".xml"))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # who opens it says so
    if size > _MOST_BYTES:
        raise DataError(
            f"it unpacks to more than {_MOST_BYTES >> 20} MiB of text", where=path.name, do="Cut it, or leave it out."
        )


def _lines(part: Any) -> list[str]:
    """Returns the lines of a paragraph or a table; a cell that spans several counts once, and may hold a table."""
    if not hasattr(part, "rows"):
        return [part.text]
    lines = []
    for row in part.rows:
        cells = {id(cell._tc): cell for cell in row.cells}.values()
        texts = [[line for inner in cell.iter_inner_content() for line in _lines(inner)] for cell in cells]
        lines.append("\t".join(" ".join(line.strip() for line in text if line.strip()) for text in texts))
    return lines
