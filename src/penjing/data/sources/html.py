"""HTML pages: their main text, without menus and footers, found by trafilatura."""

from __future__ import annotations

import re
from pathlib import Path

from penjing.data.sources.encodings import decode_as, decode_whole
from penjing.data.sources.source import Layout
from penjing.errors import DataError, MissingExtraError

_DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:-]{2,40})", re.IGNORECASE)
_HEAD_BYTES = 4096


def read_html(data: bytes, path: Path, layout: Layout) -> str:
    """Returns the main text of a page (Barbaresi 2021, Trafilatura), paragraphs on lines of their own.

    Raises:
        DataError: there is no main text, or the bytes are not of the encoding.
        MissingExtraError: trafilatura is not installed.
    """
    try:
        from trafilatura import extract
    except ImportError as error:
        raise MissingExtraError("trafilatura", "documents", "Reading HTML") from error
    text = extract(_decode(data, path, layout), include_comments=False, deduplicate=False, url=None)
    if not text:
        raise DataError(
            "there is no main text on the page", where=path.name, do="Look at the page, or save its text as .txt."
        )
    return str(text)


def _decode(data: bytes, path: Path, layout: Layout) -> str:
    """Returns the page, in the encoding that it names itself where that fits."""
    declared = _DECLARED.search(data[:_HEAD_BYTES])
    if declared is not None and layout.encoding in (None, "auto"):
        text = decode_as(data, declared[1].decode("ascii"))
        if text is not None:
            return text
    return decode_whole(data, path, layout)
