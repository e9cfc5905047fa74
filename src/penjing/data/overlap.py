"""Texts that share a run of words with an evaluation set: who learns from them has seen a part of the test.

As in Brown et al. 2020 (arXiv 2005.14165, appendix C), but the texts are dropped whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from penjing.data.filters.signals import Signals
from penjing.data.minhash import spaced_words
from penjing.data.scripts import CHARACTERS_A_WORD

FEWEST_WORDS = 5  # shorter texts of an evaluation set, such as "a good film", may stand anywhere
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 1 << 64)
_MOST_REMEMBERED = 1 << 20
Hashes = NDArray[np.uint64]


class OverlapFinder:
    """Knows the runs of words of evaluation sets, and finds the texts that share one.

    Args:
        sets: name and texts of each, the texts in batches.
        run_words: words of a run; in scripts without spaces between words a run has twice as many characters. An
            evaluation text with fewer words is one run, if it has five at least.
    """

    def __init__(self, sets: Iterable[tuple[str, Iterable[Sequence[str]]]], run_words: int) -> None:
        self._values: dict[str, int] = {}
        self.names: list[str] = []
        found: dict[int, list[tuple[Hashes, NDArray[np.int64]]]] = {}
        for name, batches in sets:
            self.names.append(name)
            for texts in batches:
                for length, hashes in self._runs_of(texts, run_words):
                    found.setdefault(length, []).append((hashes, np.full(len(hashes), len(self.names) - 1)))
        # Of each length: the hashes, sorted, and the first set that has each.
        self._known: dict[int, tuple[Hashes, NDArray[np.int64]]] = {}
        for length, parts in sorted(found.items()):
            hashes, first = np.unique(np.concatenate([part for part, _ in parts]), return_index=True)
            self._known[length] = hashes, np.concatenate([owners for _, owners in parts])[first]

    def _runs_of(self, texts: Sequence[str], run_words: int) -> Iterable[tuple[int, Hashes]]:
        """Yields the hashes of the runs of some evaluation texts, by length."""
        unspaced = Signals(texts).is_unspaced.tolist()
        for words, is_unspaced in zip(spaced_words(texts).to_pylist(), unspaced, strict=True):
            factor = CHARACTERS_A_WORD if is_unspaced else 1
            values = self._value(words.split())
            length = min(len(values), factor * run_words)
            if length >= factor * FEWEST_WORDS:
                yield length, _Prefixes(values, np.array([0, len(values)])).runs(length)[1]

    def find(self, texts: Sequence[str]) -> list[str | None]:
        """Returns for each text the name of the first set that it shares a run with, None where there is none."""
        words = [found.split() for found in spaced_words(texts).to_pylist()]
        borders = np.cumsum([0, *map(len, words)])
        prefixes = _Prefixes(self._value([word for found in words for word in found]), borders)
        owners = np.full(len(texts), len(self.names))
        for length, (known, sets) in self._known.items():
            places, hashes = prefixes.runs(length)
            at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            shared = known[at] == hashes
            np.minimum.at(owners, np.searchsorted(borders, places[shared], side="right") - 1, sets[at[shared]])
        return [self.names[owner] if owner < len(self.names) else None for owner in owners.tolist()]

    def _value(self, words: Sequence[str]) -> Hashes:
        """Returns a number for each word, [words]."""
        known = self._values
        if len(known) > _MOST_REMEMBERED:
            known.clear()
        for word in {word for word in words if word not in known}:
            known[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
        return np.fromiter(map(known.__getitem__, words), np.uint64, len(words))


class _Prefixes:
    """Hashes of all runs of some length in texts that stand one after the other, without a loop over their words.

    That of the words v_i ... v_(i + n - 1) is the sum of v_(i + k) B^k modulo 2^64, a difference of two prefix sums.

    Args:
        values: a number for each word, [words].
        borders: the first word of each text, and the end, [texts + 1].
    """

    def __init__(self, values: Hashes, borders: NDArray[np.int64]) -> None:
        self._inverse = _powers(_INVERSE, len(values))
        weighted = values * _powers(_BASE, len(values))
        self._sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(weighted)])
        self._end = np.repeat(borders[1:], np.diff(borders))  # of the text of each word

    def runs(self, length: int) -> tuple[NDArray[np.int64], Hashes]:
        """Returns where the runs of so many words begin that lie within one text, and their hashes."""
        places = np.flatnonzero(np.arange(length, length + len(self._end)) <= self._end)
        hashes = (self._sums[places + length] - self._sums[places]) * self._inverse[places]
        return places, hashes ^ (hashes >> np.uint64(32))


def _powers(base: int, count: int) -> Hashes:
    """Returns the powers of a number from 0 on, modulo 2^64, [count]."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[:1] = 1
    return np.asarray(np.cumprod(factors, dtype=np.uint64))
