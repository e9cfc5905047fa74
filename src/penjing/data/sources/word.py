"""Word documents (.docx): paragraphs and tables in their order."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from penjing.data.sources.source import Layout
from penjing.errors import DataError, MissingExtraError


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
    try:
        document = docx.Document(io.BytesIO(data))
        lines = [line for part in document.iter_inner_content() for line in _lines(part)]
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DataError(
            "the file is no Word document (.docx), or it is damaged", where=path.name, do="Save it anew as .docx."
        ) from error
    return "\n".join(lines).strip()


def _lines(part: Any) -> list[str]:
    """Returns the lines of a paragraph or a table."""
    if not hasattr(part, "rows"):
        return [part.text]
    return ["\t".join(cell.text.replace("\n", " ").strip() for cell in row.cells) for row in part.rows]
