"""How much of a text is said again in it (Rae et al. 2021, arXiv 2112.11446, table A1), for many texts at once."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from penjing.data.scripts import CHARACTERS_A_WORD

#: Lengths of the runs of words of which the most frequent one counts, and of those that must not come again.
TOP_RUNS, REPEATED_RUNS = (2, 3, 4), (5, 6, 7, 8, 9, 10)
OF_LINES = ("lines", "line_characters", "paragraphs", "paragraph_characters")
OF_RUNS = (*(f"top_{length}" for length in TOP_RUNS), *(f"run_{length}" for length in REPEATED_RUNS))
_PARAGRAPH = re.compile(r"\n\s*\n")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def repeated_lines(texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Returns shares, 0 to 1, by name, [texts] each.

    - ``lines`` and ``paragraphs``: of the lines that came before, and of the paragraphs;
    - ``line_characters`` and ``paragraph_characters``: of the characters in those.

    Args:
        texts: the texts.
    """
    shares = {name: np.zeros(len(texts)) for name in OF_LINES}
    for place, text in enumerate(texts):
        if "\n" in text:
            for name, share in zip(OF_LINES, _shares_of_lines(text), strict=True):
                shares[name][place] = share
    return shares


def repeated_runs(texts: Sequence[str], is_unspaced: Sequence[bool]) -> dict[str, NDArray[np.float64]]:
    """Returns shares, 0 to 1, by name, [texts] each.

    - ``top_N``, for N of 2 to 4: of the characters in the most frequent run of N words, all its occurrences together;
    - ``run_N``, for N of 5 to 10: of the characters in runs of N words that came before, each counted once.

    Args:
        texts: the texts.
        is_unspaced: whether a text's words are not set apart; then a run of N words is one of 2 N characters.
    """
    shares = {name: np.zeros(len(texts)) for name in OF_RUNS}
    for unspaced, factor in ((False, 1), (True, CHARACTERS_A_WORD)):
        places = [place for place, is_so in enumerate(is_unspaced) if is_so == unspaced]
        words = ("".join(texts[p].split()) if unspaced else texts[p].split() for p in places)
        for name, share_of_each in _Words(words).shares(factor).items():
            shares[name][places] = share_of_each
    return shares


def _shares_of_lines(text: str) -> tuple[float, float, float, float]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    paragraphs = [part.strip() for part in _PARAGRAPH.split(text) if part.strip()]
    return (
        _repeated_items(lines),
        _repeated_characters(lines),
        _repeated_items(paragraphs),
        _repeated_characters(paragraphs),
    )


def _repeated_items(items: Sequence[str]) -> float:
    return (len(items) - len(set(items))) / len(items) if items else 0.0  # three of ten are 0.3, not more


def _repeated_characters(items: Sequence[str]) -> float:
    whole = sum(map(len, items))
    return sum(len(item) * (count - 1) for item, count in Counter(items).items()) / whole if whole else 0.0


class _Words:
    """The words of some texts, one after the other, in which repeated runs are looked for.

    Args:
        texts: the words of each text.
    """

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        # A word that is new gets the next number; neither loop runs in Python.
        numbers: defaultdict[str, int] = defaultdict()
        numbers.default_factory = numbers.__len__
        of_each = [np.fromiter(map(numbers.__getitem__, words), np.int64, len(words)) for words in texts]
        ids = np.concatenate([*of_each, np.empty(0, np.int64)])
        counts = np.fromiter(map(len, of_each), np.int64, len(of_each))
        self._texts = len(of_each)
        self._ids = ids.astype(np.uint64)
        self._sizes = np.fromiter(map(len, numbers), np.int64, len(numbers))[ids]
        self._text = np.repeat(np.arange(self._texts), counts)  # of each word
        self._end = np.repeat(np.cumsum(counts), counts)  # of the text of each word
        self._characters = np.concatenate([[0], np.cumsum(self._sizes)])  # before each word
        self._total = np.maximum(1, np.bincount(self._text, self._sizes, self._texts))

    def shares(self, factor: int) -> dict[str, NDArray[np.float64]]:
        """Returns ``top_N`` and ``run_N``, [texts] each, of runs of ``factor`` N words; without those that are all 0.

        A run can come again only if its beginning does, so fewer and fewer places are left to look at.
        """
        found = {}
        places, length = np.arange(len(self._ids)), 0
        hashes = (self._text.astype(np.uint64) + np.uint64(1)) * _FACTOR  # runs of different texts are different
        for words in (*TOP_RUNS, *REPEATED_RUNS):
            while length < factor * words:
                fits = places + length < self._end[places]
                places, hashes = places[fits], hashes[fits]
                hashes = (hashes + self._ids[places + length] + np.uint64(1)) * _FACTOR
                hashes ^= hashes >> np.uint64(29)
                length += 1
            runs, counts = _number_equal(hashes)
            again = counts[runs] > 1
            places, hashes, runs = places[again], hashes[again], runs[again]
            if not len(places):
                break
            if words in TOP_RUNS:
                found[f"top_{words}"] = self._top(places, counts[runs], length)
            else:
                found[f"run_{words}"] = self._covered(places, runs, length)
        return found

    def _top(self, places: NDArray[np.int64], counts: NDArray[np.int64], length: int) -> NDArray[np.float64]:
        """Returns the share of the most frequent run; of those that are as frequent, the longest."""
        text = self._text[places]
        most = np.zeros(self._texts, dtype=np.int64)
        np.maximum.at(most, text, counts)
        is_top = counts == most[text]
        longest = np.zeros(self._texts, dtype=np.int64)
        size = self._characters[places + length] - self._characters[places]
        np.maximum.at(longest, text[is_top], size[is_top])
        return np.minimum(1.0, most * longest / self._total)

    def _covered(self, places: NDArray[np.int64], runs: NDArray[np.int64], length: int) -> NDArray[np.float64]:
        """Returns the share of the characters in runs that came before."""
        is_first = np.zeros(len(places), dtype=np.bool_)
        is_first[np.unique(runs, return_index=True)[1]] = True
        later = places[~is_first]
        steps = np.zeros(len(self._ids) + 1, dtype=np.int64)
        np.add.at(steps, later, 1)
        np.add.at(steps, later + length, -1)
        covered = np.cumsum(steps[:-1]) > 0
        return np.asarray(np.bincount(self._text[covered], self._sizes[covered], self._texts) / self._total)


def _number_equal(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns a number for each hash, equal for equal ones, [hashes], and how many have each number."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    numbers = np.empty(len(hashes), dtype=np.int64)
    numbers[order] = np.cumsum(np.concatenate([[0], ordered[1:] != ordered[:-1]])[: len(hashes)])
    return numbers, np.bincount(numbers)
