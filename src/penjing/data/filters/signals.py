"""Signals of quality: numbers that tell prose from lists, menus and noise, for many texts at once.

In scripts that set no spaces between words, such as Chinese, Japanese and Thai, a character counts where otherwise a
word does; a text is of that kind if more than a third of its characters are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from penjing.data.filters.repetition import OF_LINES, repeated_lines, repeated_runs
from penjing.data.scripts import UNSPACED

Numbers = NDArray[np.float64]
_LINE = r"[^\n]*\S[^\n]*"
_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")  # those of Gopher
_STOP_CHARACTERS = "的了是在不有和我这人"
_IS_SPACE = np.isin(np.arange(256), np.frombuffer(b"\t\n\f\r ", np.uint8))
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
        return _count(self._array, pattern)

    def _count_by_script(self, spaced: str, unspaced: str) -> Numbers:
        """Counts one pattern in texts with spaces between words, another in those without."""
        found = np.empty(len(self.texts))
        for pattern, rows in ((spaced, ~self.is_unspaced), (unspaced, self.is_unspaced)):
            found[rows] = _count(self._array.filter(pa.array(rows)), pattern)
        return found

    def _holds(self, pattern: str) -> Numbers:
        found = pc.match_substring_regex(self._array, pattern, ignore_case=True)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.float64)

    def keep(self, rows: NDArray[np.bool_]) -> Signals:
        """Returns the signals of some of the texts; what is found already is not looked for again.

        Args:
            rows: which texts, [texts].
        """
        kept = Signals([self.texts[row] for row in np.flatnonzero(rows).tolist()])
        for name, found in vars(self).items():
            if isinstance(found, np.ndarray):
                vars(kept)[name] = found[..., rows]
            elif isinstance(found, dict):
                vars(kept)[name] = {key: values[rows] for key, values in found.items()}
        return kept

    @cached_property
    def _spaces_and_words(self) -> NDArray[np.int64]:
        """How many spaces there are, and how many words that spaces set apart, [2, texts].

        They are those of RE2's ``\\s`` and ``\\S+``, counted in bytes: such a space is one byte, in no other character.
        """
        _, offsets, data = self._array.buffers()
        begins = np.frombuffer(offsets, np.int64)[: len(self.texts) + 1]
        is_space = _IS_SPACE[np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)]
        is_first = ~is_space
        is_first[1:] &= is_space[:-1]
        firsts = begins[begins < len(is_space)]
        is_first[firsts] = ~is_space[firsts]
        spans = [slice(begin, end) for begin, end in pairwise(begins.tolist())]
        return np.array([[np.count_nonzero(flags[span]) for span in spans] for flags in (is_space, is_first)])

    @cached_property
    def _characters(self) -> Numbers:
        """Characters that are no space."""
        whole = pc.utf8_length(self._array).to_numpy(zero_copy_only=False)
        return np.asarray(whole - self._spaces_and_words[0], dtype=np.float64)

    @cached_property
    def is_unspaced(self) -> NDArray[np.bool_]:
        """Whether a text is in a script without spaces between words, [texts]."""
        found = np.zeros(len(self.texts), dtype=np.bool_)
        rows = ~np.fromiter(map(str.isascii, self.texts), np.bool_, len(self.texts))
        found[rows] = 3 * _count(self._array.filter(pa.array(rows)), UNSPACED) > self._characters[rows]
        return found

    @cached_property
    def words(self) -> Numbers:
        """Words, or characters."""
        return np.where(self.is_unspaced, self._characters, self._spaces_and_words[1])

    @cached_property
    def mean_word_length(self) -> Numbers:
        """Characters a word; nan where characters are the words."""
        return np.where(self.is_unspaced, np.nan, self._characters / np.maximum(1, self.words))

    @cached_property
    def symbols(self) -> Numbers:
        """Number signs or ellipses, whichever are more, for each word."""
        return np.maximum(self._count("#"), self._count(r"\.\.\.|…")) / np.maximum(1, self.words)

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
        return self._count(r"""(?m)[.!?…。．｡！？；;:：][)"'”’」』）]*[ \t\r]*$""") / self._lines

    @cached_property
    def short_lines(self) -> Numbers:
        """Share of the lines with fewer than 30 characters, or 15 in scripts without spaces."""
        spaced, unspaced = (rf"(?m)^[ \t]*[^\s][^\n]{{0,{most - 2}}}$" for most in (_SHORT_LINE, _SHORT_UNSPACED_LINE))
        return self._count_by_script(spaced, unspaced) / self._lines

    @cached_property
    def sentences(self) -> Numbers:
        """Sentences that are ended; Chinese ones by a period, too, if it is not in a number or a name."""
        period = rf"""[^\d\s.]\.+(?:\s|$|[)"'”’」』）]|{UNSPACED})"""
        return self._count_by_script(r"""[.!?…]+[)"'”’]*(?:\s|<|$)""", rf"[。．｡！？!?…]+|{period}")

    @cached_property
    def braces(self) -> Numbers:
        """Curly braces, which program code has and prose has not."""
        return self._count(r"[{}]")

    @cached_property
    def placeholder(self) -> Numbers:
        """1 where the text says lorem ipsum."""
        return self._holds("lorem ipsum")

    @cached_property
    def _repeated_lines(self) -> dict[str, Numbers]:
        return repeated_lines(self.texts)

    @cached_property
    def _repeated_runs(self) -> dict[str, Numbers]:
        return repeated_runs(self.texts, self.is_unspaced.tolist())

    def repeated(self, name: str) -> Numbers:
        """Returns a share of what is repeated; see `repeated_lines` and `repeated_runs`."""
        return self._repeated_lines[name] if name in OF_LINES else self._repeated_runs[name]


def _count(texts: pa.LargeStringArray, pattern: str) -> Numbers:
    counted = pc.count_substring_regex(texts, pattern)
    return np.asarray(counted.to_numpy(zero_copy_only=False), dtype=np.float64)


Signal = Callable[[Signals], Numbers]
