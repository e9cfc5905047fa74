"""PDF: the text of its pages, read by PDFium."""

from __future__ import annotations

from pathlib import Path

from penjing.data.sources.source import Layout
from penjing.errors import DataError, MissingExtraError


def read_pdf(data: bytes, path: Path, layout: Layout) -> str:
    """Returns the text of all pages, a blank line between two of them. Pictures of text are not read.

    Raises:
        DataError: the file is no PDF, is damaged or locked, or has no text in it.
        MissingExtraError: pypdfium2 is not installed.
    """
    try:
        import pypdfium2
    except ImportError as error:
        raise MissingExtraError("pypdfium2", "documents", "Reading PDF") from error
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        what = "the PDF asks for a password" if "password" in str(error).lower() else "the file is no PDF, or damaged"
        raise DataError(f"{what} ({error})", where=path.name, do="Save it anew, without a password.") from error
    try:
        pages = [_page_text(document, number, path) for number in range(len(document))]
    finally:
        document.close()
    text = "\n\n".join(page for page in pages if page)
    if not text:
        raise DataError(
            f"the PDF has {len(pages)} pages and no text, as a scan has none",
            where=path.name,
            do="Make text of it by a program for character recognition, and give that.",
        )
    return text


def _page_text(document: object, number: int, path: Path) -> str:
    import pypdfium2

    try:
        page = document[number]  # type: ignore[index]
        text = str(page.get_textpage().get_text_range())
    except pypdfium2.PdfiumError as error:
        raise DataError(
            f"page {number + 1} cannot be read ({error})", where=path.name, do="Save the PDF anew."
        ) from error
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").split("\n")]
    return "\n".join(lines).strip()
