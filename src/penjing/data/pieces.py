"""Parts of texts, cut between words: a piece of one, or the beginning of one with the end of another.

For texts to be asked about where none are given: Tang et al. 2019 (arXiv 1903.12136, section 3.2) sample runs of words,
too; they put no two texts together.
"""

from __future__ import annotations

import re
import unicodedata
from random import Random

from penjing.data.scripts import UNSPACED_CHARACTER

Span = tuple[int, int]  # first character, and one past the last
FEWEST_WORDS = 2  # of a text that can be cut
_UNSPACED = UNSPACED_CHARACTER.pattern
_WORD = re.compile(rf"{_UNSPACED}|[^\s{_UNSPACED[1:-1]}]+")
_MARKS = frozenset({"Mn", "Mc", "Me", "Cf"})


def word_spans(text: str) -> list[Span]:
    """Returns what a text is cut between: what stands between spaces; in scripts without them, each character.

    An accent, a vowel sign or a joiner stays with what it follows.

    >>> [text[start:end] for text in ["我有 two cats."] for start, end in word_spans(text)]
    ['我', '有', 'two', 'cats.']
    """
    spans: list[Span] = []
    for word in _WORD.finditer(text):
        start, end = word.span()
        if spans and spans[-1][1] == start and unicodedata.category(text[start]) in _MARKS:
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


def draw_piece(text: str, draw: Random) -> str:
    """Returns half of the words of a text or more, never all, from anywhere in it.

    Args:
        text: of `FEWEST_WORDS` or more.
        draw: decides which.
    """
    words = word_spans(text)
    length = draw.randint((len(words) + 1) // 2, len(words) - 1)
    first = draw.randint(0, len(words) - length)
    return text[words[first][0] : words[first + length - 1][1]]


def draw_join(text: str, other: str, draw: Random) -> str:
    """Returns the first words of a text, a third to two thirds of them, and those of another after such a place.

    A space comes between them where two words would become one.

    Args:
        text: of `FEWEST_WORDS` or more.
        other: likewise.
        draw: decides where both are cut.
    """
    words, more = word_spans(text), word_spans(other)
    beginning = text[words[0][0] : words[_cut(len(words), draw)][0]]
    end = other[more[_cut(len(more), draw)][0] : more[-1][1]]
    return f"{beginning} {end}" if _is_letter(beginning[-1]) and _is_letter(end[0]) else beginning + end


def _cut(words: int, draw: Random) -> int:
    """Returns how many words come before a cut."""
    return draw.randint(max(1, words // 3), max(1, 2 * words // 3))


def _is_letter(character: str) -> bool:
    """Whether a character makes up words that spaces set apart."""
    return character.isalnum() and UNSPACED_CHARACTER.match(character) is None
