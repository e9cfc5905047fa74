"""Baselines for translation: the source as it is, and a dictionary of single words learned from the training pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penjing.metrics.texts import check_texts, is_unspaced
from penjing.text.spans import find_words

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_ITERATIONS = 10
_MOST_WORDS = 100  # of a text; what stands so far from the beginning pairs with too many words to say anything
_MOST_CELLS = 8_000_000
_SHIFT = 32  # the number of a source word stands above that of a target word in one int64


@dataclass(frozen=True)
class CopyBaseline:
    """Writes the source: names, numbers and words that both languages share are right."""

    def write(self, texts: Sequence[str]) -> list[str]:
        """Returns the texts."""
        return list(texts)


def fit_copy(sources: Sequence[str], targets: Sequence[str]) -> CopyBaseline:
    """Returns the baseline; the training pairs teach it nothing."""
    return CopyBaseline()


@dataclass(frozen=True)
class DictionaryBaseline:
    """Puts in the place of each word its likeliest translation; the order of the words stays.

    Attributes:
        words: of the source, as they are spelled → likeliest word of the target.
        is_spaced: whether the target sets spaces between words.
        pairs: of texts that the words were learned from.
    """

    words: Mapping[str, str]
    is_spaced: bool
    pairs: int

    def write(self, texts: Sequence[str]) -> list[str]:
        """Returns the texts word by word; a word that is not known is looked up in lower case, and copied at last.

        Raises:
            MissingExtraError: a text has Chinese words, and rjieba is not installed.
        """
        return [self._write(text) for text in texts]

    def _write(self, text: str) -> str:
        pieces: list[str] = []
        before, end = "", 0
        for start, stop in find_words(text):
            word = text[start:stop]
            written = self.words.get(word) or self.words.get(word.lower(), word)
            if pieces:
                pieces.append(self._part(pieces[-1], written, text[end:start], before))
            pieces.append(written)
            before, end = word, stop
        return "".join(pieces)

    def _part(self, left: str, right: str, gap: str, before: str) -> str:
        """Returns what stands between two words of the target, by the gap in the source and the word before it."""
        if not self.is_spaced:
            return " " if (left[-1] + right[0]).isascii() and left[-1].isalnum() and right[0].isalnum() else ""
        if gap:
            return gap
        # Chinese has no gaps; English has none around an apostrophe or within brackets, and none must be made there.
        return " " if right[0].isalnum() and (left[-1].isalnum() or not before.isascii()) else ""


def fit_dictionary(
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    iterations: int = _ITERATIONS,
    most_cells: int = _MOST_CELLS,
    seed: int = 0,
) -> DictionaryBaseline:
    """Learns which word stands for which, with IBM Model 1 (Brown et al. 1993, section 4.1) by EM.

    Each word of a target comes from one word of its source, or from none; how likely each pair of words is, is all that
    is learned. Words are those of `penjing.text.spans.find_words`, as they are spelled, signs too; Chinese ones are cut
    by a dictionary (the extra zh or writing).

    Args:
        sources: of the training pairs.
        targets: their translations; the first 100 words of each text count.
        iterations: of EM.
        most_cells: pairs of texts are drawn until there are so many pairs of a word and a word in the same pair of
            texts, for time and memory: 8 million take some 10 seconds and half a gigabyte.
        seed: of that draw; where all pairs fit it changes nothing but ties.

    Raises:
        DataError: there are no training pairs, or not a target for each source.
        MissingExtraError: a text has Chinese words, and rjieba is not installed.
    """
    check_texts(sources=sources, targets=targets)
    cells = _pair_words(sources, targets, most_cells, seed)
    found = _likeliest(cells, iterations) if len(cells.codes) else {}
    return DictionaryBaseline(found, not is_unspaced(targets), cells.pairs)


@dataclass(frozen=True)
class _Cells:
    """Every word of a target with every word of its source, and with none.

    Attributes:
        codes: number of the source word (0: none), shifted, and of the target word; those of a place lie together,
            [cells].
        sizes: how many cells each place of a target has, [places].
        source_words: by number; the first is none.
        target_words: by number.
        pairs: of texts.
    """

    codes: Ints
    sizes: Ints
    source_words: list[str]
    target_words: list[str]
    pairs: int


def _pair_words(sources: Sequence[str], targets: Sequence[str], most_cells: int, seed: int) -> _Cells:
    source_numbers, target_numbers = {"": 0}, dict[str, int]()
    codes: list[Ints] = []
    sizes: list[Ints] = []
    cells = 0
    for row in np.random.default_rng(seed).permutation(len(sources)):
        own = np.array([0, *_numbers(sources[row], source_numbers)], dtype=np.int64)
        wanted = np.array(_numbers(targets[row], target_numbers), dtype=np.int64)
        codes.append(((own << _SHIFT)[None, :] | wanted[:, None]).ravel())
        sizes.append(np.full(len(wanted), len(own), dtype=np.int64))
        cells += len(codes[-1])
        if cells >= most_cells:
            break
    joined, places = np.concatenate(codes), np.concatenate(sizes)
    return _Cells(joined, places, list(source_numbers), list(target_numbers), len(codes))


def _numbers(text: str, numbers: dict[str, int]) -> list[int]:
    """Returns the numbers of the first words of a text, and gives one to each word that has none."""
    return [numbers.setdefault(text[start:stop], len(numbers)) for start, stop in find_words(text)[:_MOST_WORDS]]


def _likeliest(cells: _Cells, iterations: int) -> dict[str, str]:
    """Returns the likeliest target word of each source word: a sign for a sign, letters for letters.

    A model without word order gives the words that the target does not have ("are", "of") to what stands in every text:
    the full stop.
    """
    codes, inverse = np.unique(cells.codes, return_inverse=True)  # sorted, so those of a source word lie together
    of_cell = inverse.astype(np.int32)
    starts = np.cumsum(cells.sizes) - cells.sizes  # of each place; none is without a cell, for no word is one
    owners = codes >> _SHIFT
    chances = np.ones(len(codes))
    for _ in range(iterations):
        shares = chances[of_cell]
        shares /= np.repeat(np.add.reduceat(shares, starts), cells.sizes)
        counts = np.bincount(of_cell, weights=shares, minlength=len(codes))
        chances = counts / np.bincount(owners, weights=counts)[owners]
    wanted = codes & ((1 << _SHIFT) - 1)
    fits = _are_signs(cells.source_words)[owners] == _are_signs(cells.target_words)[wanted]
    owners, wanted, chances = owners[fits], wanted[fits], chances[fits]
    order = np.lexsort((-chances, owners))
    first = order[np.flatnonzero(np.diff(owners[order], prepend=-1))]
    pairs = zip(owners[first], wanted[first], strict=True)
    return {cells.source_words[own]: cells.target_words[target] for own, target in pairs if own}


def _are_signs(words: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([not any(map(str.isalnum, word)) for word in words])
