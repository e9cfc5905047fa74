"""Signals of quality: numbers that tell prose from lists, menus and noise, for many texts at once.

In scripts that set no spaces between words, such as Chinese, Japanese and Thai, a character counts where otherwise a
word does; a text is of that kind if more than a third of its characters are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from penjing.data.filters.repetition import repeated_shares
from penjing.data.scripts import UNSPACED

Numbers = NDArray[np.float64]
_LINE = r"[^\n]*\S[^\n]*"
_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")  # those of Gopher
_STOP_CHARACTERS = "的了是在不有和我这人"
_SHORT_LINE, _SHORT_UNSPACED_LINE = 30, 15  # characters; the first is FineWeb's


class Signals:
    """The signals of some texts, each found when it is first asked for.

    Args:
        texts: the texts, [texts].
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        self._array = pa.array(self.texts, pa.large_string())

    def _count(self, pattern: str) -> Numbers:
        counted = pc.count_substring_regex(self._array, pattern)
        return np.asarray(counted.to_numpy(zero_copy_only=False), dtype=np.float64)

    def _count_by_script(self, spaced: str, unspaced: str) -> Numbers:
        """Counts one pattern in texts with spaces between words, another in those without."""
        found = np.empty(len(self.texts))
        for pattern, rows in ((spaced, ~self.is_unspaced), (unspaced, self.is_unspaced)):
            counted = pc.count_substring_regex(self._array.filter(pa.array(rows)), pattern)
            found[rows] = counted.to_numpy(zero_copy_only=False)
        return found

    def _holds(self, pattern: str) -> Numbers:
        found = pc.match_substring_regex(self._array, pattern, ignore_case=True)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.float64)

    @cached_property
    def _characters(self) -> Numbers:
        """Characters that are no space."""
        whole = pc.utf8_length(self._array).to_numpy(zero_copy_only=False)
        return np.asarray(whole - self._count(r"\s"), dtype=np.float64)

    @cached_property
    def is_unspaced(self) -> NDArray[np.bool_]:
        """Whether a text is in a script without spaces between words, [texts]."""
        return np.asarray(3 * self._count(UNSPACED) > self._characters, dtype=np.bool_)

    @cached_property
    def words(self) -> Numbers:
        """Words, or characters."""
        return np.where(self.is_unspaced, self._characters, self._count(r"\S+"))

    @cached_property
    def mean_word_length(self) -> Numbers:
        """Characters a word; nan where characters are the words."""
        return np.where(self.is_unspaced, np.nan, self._characters / np.maximum(1, self.words))

    @cached_property
    def symbols(self) -> Numbers:
        """Number signs and ellipses, for each word."""
        return self._count(r"#|\.\.\.|…") / np.maximum(1, self.words)

    @cached_property
    def alphabetic(self) -> Numbers:
        """Share of the words in which there is a letter."""
        return self._count_by_script(r"\p{L}\S*", r"\p{L}") / np.maximum(1, self.words)

    @cached_property
    def stop_words(self) -> Numbers:
        """How many different ones of some very common words there are."""
        spaced = sum(self._holds(rf"\b{word}\b") for word in _STOP_WORDS)
        unspaced = sum(self._holds(character) for character in _STOP_CHARACTERS)
        return np.where(self.is_unspaced, unspaced, spaced)

    @cached_property
    def _lines(self) -> Numbers:
        return np.maximum(1, self._count(_LINE))

    @cached_property
    def bullet_lines(self) -> Numbers:
        """Share of the lines that begin with a bullet."""
        return self._count(r"(?m)^[ \t]*[•‣▪●○◦·*\-–—] ?[^\s•‣▪●○◦·*\-–—][^\n]*") / self._lines

    @cached_property
    def ellipsis_lines(self) -> Numbers:
        """Share of the lines that end in an ellipsis."""
        return self._count(r"(?m)(?:\.\.\.|…)[ \t\r]*$") / self._lines

    @cached_property
    def punctuated_lines(self) -> Numbers:
        """Share of the lines that end as a sentence does."""
        return self._count(r"""(?m)[.!?…。！？；;:：][)"'”’」』）]*[ \t\r]*$""") / self._lines

    @cached_property
    def short_lines(self) -> Numbers:
        """Share of the lines with fewer than 30 characters, or 15 in scripts without spaces."""
        spaced, unspaced = (rf"(?m)^[ \t]*[^\s][^\n]{{0,{most - 2}}}$" for most in (_SHORT_LINE, _SHORT_UNSPACED_LINE))
        return self._count_by_script(spaced, unspaced) / self._lines

    @cached_property
    def sentences(self) -> Numbers:
        """Sentences that are ended."""
        return self._count_by_script(r"""[.!?…]+[)"'”’]*(?:\s|<|$)""", "[。！？!?…]+")

    @cached_property
    def braces(self) -> Numbers:
        """Curly braces, which program code has and prose has not."""
        return self._count(r"[{}]")

    @cached_property
    def placeholder(self) -> Numbers:
        """1 where the text says lorem ipsum."""
        return self._holds("lorem ipsum")

    @cached_property
    def _repeated(self) -> dict[str, Numbers]:
        return repeated_shares(self.texts, self.is_unspaced.tolist())

    def repeated(self, name: str) -> Numbers:
        """Returns a share of what is repeated; see `repeated_shares`."""
        return self._repeated[name]


Signal = Callable[[Signals], Numbers]
