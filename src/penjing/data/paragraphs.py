"""Paragraphs that come again in later texts, such as boilerplate: found on disk, cut out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from penjing.data.duplicates import Bits, DuplicateFinder
from penjing.data.keys import normalized_keys
from penjing.data.scripts import UNSPACED_CHARACTER

_BETWEEN = re.compile(r"(\n\s*\n|\n)")
# A paragraph shorter than this may come again by chance, as "Thank you." does.
_FEWEST = 40
_FEWEST_UNSPACED_CHARACTER = 20


class ParagraphFinder:
    """Finds the paragraphs, lines of a text, that an earlier text or the same one has word by word.

    Case, punctuation and the form of letters do not count. Paragraphs of fewer than 40 characters (20 in scripts
    without spaces) are never cut. Memory holds a bit for each paragraph, and one bucket of keys.

    Args:
        folder: an existing folder for the keys.
    """

    def __init__(self, folder: Path) -> None:
        self._finder = DuplicateFinder(folder)
        self._first: Bits | None = None
        self._next = 0

    def add(self, texts: Sequence[str]) -> None:
        """Adds the next texts."""
        self._finder.add(normalized_keys(part for text in texts for part in _long_paragraphs(text)))

    def find(self) -> None:
        """Looks for what comes again; called once, after all was added."""
        self._first = Bits(self._finder.rows)
        for unique in self._finder.unique():
            self._first.set(unique.rows)

    def cut(self, text: str) -> tuple[str, list[str]]:
        """Returns the next text, of those that were added and in their order, without what came before, and that.

        Raises:
            ValueError: nothing was looked for yet.
        """
        if self._first is None:
            raise ValueError("find comes first")
        parts = _BETWEEN.split(text)
        long = [place for place in range(0, len(parts), 2) if _is_long(parts[place])]
        is_first = self._first.slice(self._next, self._next + len(long)) if long else np.ones(0, dtype=np.bool_)
        self._next += len(long)
        again = {place for place, first in zip(long, is_first, strict=True) if not first}
        if not again:
            return text, []
        kept = [
            parts[place] + (parts[place + 1] if place + 1 < len(parts) else "")
            for place in range(0, len(parts), 2)
            if place not in again
        ]
        return "".join(kept).strip(), [parts[place] for place in sorted(again)]


def _long_paragraphs(text: str) -> list[str]:
    return [part for part in _BETWEEN.split(text)[::2] if _is_long(part)]


def _is_long(paragraph: str) -> bool:
    fewest = _FEWEST_UNSPACED_CHARACTER if UNSPACED_CHARACTER.search(paragraph) else _FEWEST
    return len(paragraph.strip()) >= fewest
