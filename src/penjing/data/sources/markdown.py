"""Markdown: the text as it is written, without front matter."""

from __future__ import annotations

import re
from pathlib import Path

from penjing.data.sources.encodings import decode_whole
from penjing.data.sources.source import Layout

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?^(?:---|\.\.\.)[ \t]*$\n?", re.DOTALL | re.MULTILINE)


def read_markdown(data: bytes, path: Path, layout: Layout) -> str:
    """Returns a Markdown file's text; the marks stay, a block of settings before the text (front matter) goes.

    Raises:
        DataError: the bytes are not of the encoding.
    """
    text = decode_whole(data, path, layout).replace("\r\n", "\n")
    return _FRONT_MATTER.sub("", text, count=1).strip()
