"""Terms: what of a text is counted where nothing is learned of its order."""

from __future__ import annotations

import re
from itertools import pairwise

from penjing.data.scripts import SPACELESS

_RUN = re.compile(f"[{SPACELESS}]+")
_WORD = re.compile(rf"[^\W{SPACELESS}]{{2,}}")
_ANY_WORD = re.compile(rf"[^\W{SPACELESS}]+")
_LONGEST_CHARACTER_GRAM = 3


def has_terms(text: str) -> bool:
    """Whether a text has any term."""
    return bool(_WORD.search(text) or _RUN.search(text))


def list_terms(text: str) -> list[str]:
    """Returns a text's words and pairs of words, and the one to three characters in a row of scripts without spaces.

    >>> list_terms("Not good")
    ['not', 'good', 'not good']
    >>> list_terms("不好")
    ['不', '好', '不好']
    """
    lowered = text.lower()
    words = _WORD.findall(lowered)
    return [*words, *(f"{first} {second}" for first, second in pairwise(words)), *_list_grams(lowered)]


def list_single_terms(text: str) -> list[str]:
    """Returns a text's words, of one letter too, and the one to three characters in a row of scripts without spaces.

    For short texts, such as names: most pairs of words occur there once.

    >>> list_single_terms("Toy Story 2")
    ['toy', 'story', '2']
    >>> list_single_terms("花样年华")[:5]
    ['花', '样', '年', '华', '花样']
    """
    lowered = text.lower()
    return [*_ANY_WORD.findall(lowered), *_list_grams(lowered)]


def _list_grams(lowered: str) -> list[str]:
    return [
        run[start : start + size]
        for run in _RUN.findall(lowered)
        for size in range(1, _LONGEST_CHARACTER_GRAM + 1)
        for start in range(len(run) - size + 1)
    ]
