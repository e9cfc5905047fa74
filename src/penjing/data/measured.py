"""Texts that a model is measured on, and which other texts are one of them or contain one.

A text contains another if its letters and digits do, in whole words: as OpenAI 2023 (arXiv 2303.08774) looks for test
texts in training data, but for all of a text, not for some of its characters. A short text stands in others by chance.
So one of `FEWEST_WORDS` counts wherever it stands; Brown et al. 2020 (arXiv 2005.14165, appendix C) compare no shorter
runs, for the same reason. One of `FEWEST_WORDS_OF_SHORT` counts where it makes up a tenth of a text: in a text of a
few sentences it is no chance. Shorter ones are only compared with whole texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penjing.data.filters.signals import Signals
from penjing.data.keys import KEY_BYTES, Keys, KeySet, digest_keys, normalize_text, word_edges
from penjing.data.minhash import spaced_words
from penjing.data.scripts import CHARACTERS_A_WORD

#: In scripts without spaces between words, twice as many characters.
FEWEST_WORDS = 8
FEWEST_WORDS_OF_SHORT = 5
#: A text that contains a short one is at most so many times as long.
MOST_TIMES_SHORT = 10

_WIDTH = 8  # bytes of a window
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SEEN_BITS = 20
_TABLE_BITS = 6  # places of the table for each mark, as a power of two
_AT_ONCE = 1 << 18  # windows that are looked up, or marks that are compared, at once
_MARK = np.dtype(
    [
        ("window", np.uint64),
        ("first", np.uint64),
        ("last", np.uint64),
        ("before", np.int64),
        ("length", np.int64),
        ("is_long", np.bool_),
        ("key", f"S{KEY_BYTES}"),
    ]
)
Windows = NDArray[np.uint64]
Places = NDArray[np.int64]


class Marks(NamedTuple):
    """What is remembered of measured texts.

    Attributes:
        keys: of their normalized forms, [texts].
        marks: of those that may be contained: a ``window`` of eight bytes that few others have, so many bytes
            ``before`` it, the ``first`` and the ``last`` window, the ``length`` in bytes, whether it ``is_long`` enough
            to count in any text, and the ``key``.
    """

    keys: Keys
    marks: NDArray[Any]


class Marker:
    """Makes the marks of measured texts, in batches: a window is chosen that texts before had least."""

    def __init__(self) -> None:
        self._seen = np.zeros(1 << _SEEN_BITS, dtype=np.uint32)

    def mark(self, texts: Sequence[str]) -> Marks:
        """Returns the marks of some texts."""
        normalized = [normalize_text(text).encode() for text in texts]
        keys, words = digest_keys(normalized), count_words(texts)
        found = np.flatnonzero((words >= FEWEST_WORDS_OF_SHORT) & (_lengths(normalized) >= _WIDTH))
        marks = np.zeros(len(found), dtype=_MARK)
        for place, row in enumerate(found.tolist()):
            windows = _windows(normalized[row])
            before = self._choose(windows)
            ends = windows[0], windows[-1], before, len(normalized[row])
            marks[place] = (windows[before], *ends, words[row] >= FEWEST_WORDS, keys[row])
        return Marks(keys, marks)

    def _choose(self, windows: Windows) -> int:
        """Returns the place of the window that was seen least, and counts them all."""
        hashes = windows * _FACTOR
        slots = hashes >> np.uint64(64 - _SEEN_BITS)
        # Of those that were seen as often, any may be common elsewhere, and the first are more often than others.
        rank = (self._seen[slots].astype(np.uint64) << np.uint64(40)) | (hashes & np.uint64((1 << 40) - 1))
        self._seen[slots] += 1
        return int(rank.argmin())


class Found(NamedTuple):
    """What texts have to do with measured ones.

    Attributes:
        keys: of their normalized forms, [texts].
        is_equal: which have the normalized form of a measured text, [texts].
        contains: which others contain one, [texts].
    """

    keys: Keys
    is_equal: NDArray[np.bool_]
    contains: NDArray[np.bool_]

    @property
    def is_measured(self) -> NDArray[np.bool_]:
        """Which may not be learned from, [texts]."""
        return self.is_equal | self.contains


class MeasuredTexts:
    """Knows the texts that a model is measured on, by some ten numbers of each.

    Args:
        parts: their marks, duplicates allowed.
    """

    def __init__(self, parts: Iterable[Marks]) -> None:
        every = list(parts)
        self._keys = KeySet(part.keys for part in every)
        marks = np.concatenate([np.empty(0, dtype=_MARK), *(part.marks for part in every)])
        _, first = np.unique(marks["key"], return_index=True)
        marks = marks[first]
        self._marks = marks[np.argsort(marks["window"], kind="stable")]
        self._windows = np.ascontiguousarray(self._marks["window"])
        bits = min(24, len(marks).bit_length() + _TABLE_BITS)
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, dtype=np.bool_)
        self._table[(self._windows * _FACTOR) >> self._shift] = True

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, texts: Sequence[str]) -> Found:
        """Returns which of some texts are measured ones, and which contain one."""
        normalized = [normalize_text(text).encode() for text in texts]
        keys = digest_keys(normalized)
        is_equal, contains = self._keys.contains(keys), np.zeros(len(texts), dtype=np.bool_)
        if len(self._marks):
            others = np.flatnonzero(~is_equal)
            contains[others] = self._find_contained(
                [texts[row] for row in others.tolist()], [normalized[row] for row in others.tolist()]
            )
        return Found(keys, is_equal, contains)

    def _find_contained(self, texts: Sequence[str], normalized: Sequence[bytes]) -> NDArray[np.bool_]:
        data, lengths, found = b"".join(normalized), _lengths(normalized), np.zeros(len(texts), dtype=np.bool_)
        ends = np.cumsum(lengths)
        edges: dict[int, NDArray[np.int64] | None] = {}
        for places, low, high in self._places(_windows(data)):
            is_open = ~found[np.searchsorted(ends, places, side="right")]
            marks, begins = self._hits(_windows(data), places[is_open], low[is_open], high[is_open])
            rows = np.searchsorted(ends, begins, side="right")
            length = self._marks["length"][marks]
            fits = begins + length <= ends[rows]
            fits &= self._marks["is_long"][marks] | (lengths[rows] <= MOST_TIMES_SHORT * length)
            for mark, begin, row in zip(marks[fits].tolist(), begins[fits].tolist(), rows[fits].tolist(), strict=True):
                end = begin + int(self._marks["length"][mark])
                if found[row] or digest_keys([data[begin:end]])[0] != self._marks["key"][mark]:
                    continue
                if row not in edges:
                    edges[row] = word_edges(texts[row])
                start, known = int(ends[row] - lengths[row]), edges[row]
                found[row] = known is None or _holds(known, begin - start, end - start)
        return found

    def _places(self, windows: Windows) -> Iterator[tuple[Places, Places, Places]]:
        """Yields places whose window is that of marks, with the first of these and the one after the last.

        However many texts have the same window, there are not many more than `_AT_ONCE` marks at once.
        """
        for first in range(0, len(windows), _AT_ONCE):
            part = windows[first : first + _AT_ONCE].copy()  # where each is aligned
            places = np.flatnonzero(self._table[(part * _FACTOR) >> self._shift])
            low, high = (np.searchsorted(self._windows, part[places], side=side) for side in ("left", "right"))
            totals = np.cumsum(high - low)
            borders = np.flatnonzero(np.diff(totals // _AT_ONCE, prepend=0, append=-1))
            for start, stop in pairwise([0, *borders.tolist()]):
                yield places[start:stop] + first, low[start:stop], high[start:stop]

    def _hits(self, windows: Windows, places: Places, low: Places, high: Places) -> tuple[Places, Places]:
        """Returns marks, and where their texts would begin, [hits] each: three of their windows are there."""
        marks = _ranges(low, high)
        begins = np.repeat(places, high - low) - self._marks["before"][marks]
        lasts = begins + self._marks["length"][marks] - _WIDTH
        is_inside = (begins >= 0) & (lasts < len(windows))
        marks, begins, lasts = marks[is_inside], begins[is_inside], lasts[is_inside]
        known = self._marks[marks]
        is_hit = (windows[begins] == known["first"]) & (windows[lasts] == known["last"])
        return marks[is_hit], begins[is_hit]


def index_texts(batches: Iterable[Sequence[str]]) -> MeasuredTexts:
    """Returns what knows some measured texts.

    Args:
        batches: the texts.
    """
    marker = Marker()
    return MeasuredTexts(marker.mark(texts) for texts in batches)


def count_words(texts: Sequence[str]) -> NDArray[np.float64]:
    """Returns the words of texts, [texts]; two characters of a script without spaces are one."""
    if not len(texts):
        return np.empty(0)
    words = np.array([len(found.split()) for found in spaced_words(texts).to_pylist()], dtype=np.float64)
    return np.where(Signals(texts).is_unspaced, words / CHARACTERS_A_WORD, words)


def _holds(edges: NDArray[np.int64], *wanted: int) -> bool:
    """Whether numbers are all in a rising array, which none of them may lie beyond."""
    return bool((edges[np.searchsorted(edges, wanted)] == wanted).all())


def _lengths(parts: Sequence[bytes]) -> NDArray[np.int64]:
    return np.fromiter(map(len, parts), np.int64, len(parts))


def _windows(data: bytes) -> Windows:
    """Returns the eight bytes from each place on, as one number, [places]; a view that takes no memory."""
    if len(data) < _WIDTH:
        return np.empty(0, dtype=np.uint64)
    return np.ndarray(len(data) - _WIDTH + 1, dtype=np.uint64, buffer=data, strides=1)


def _ranges(low: Places, high: Places) -> Places:
    """Returns the whole numbers from each low one to below its high one, one range after the other."""
    counts = high - low
    return np.asarray(np.arange(counts.sum()) + np.repeat(low - (np.cumsum(counts) - counts), counts), dtype=np.int64)
