"""Which language a text is in, by its bytes (Lui & Baldwin 2011, langid)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from penjing.errors import MissingExtraError, UsageError, nearest

#: What is written in Chinese characters, and of which a short text looks like standard Chinese and the other way round.
_CHINESE = frozenset({"zh", "wuu", "yue", "gan", "hak", "nan", "lzh", "cdo", "hsn"})
#: The least probability of another language for which a text is dropped.
SURE = 0.5


class Guess(NamedTuple):
    """A language that a text may be in.

    Attributes:
        language: its code (ISO 639-1, or 639-3 where that has none).
        probability: how likely it is.
    """

    language: str
    probability: float


class LanguageFinder:
    """Tells the languages of texts.

    The languages of China count as one, zh: of the headlines of THUCNews a fifth would be Wu.

    Args:
        wanted: codes of languages, for `foreign`.

    Raises:
        MissingExtraError: py3langid is not installed.
        UsageError: a language is not known.
    """

    def __init__(self, wanted: Sequence[str]) -> None:
        self._model = _load_model()
        known = {_common(str(name)) for name, _ in self._model.rank("")}
        self._wanted = {_common(name) for name in wanted}
        for name in sorted(self._wanted - known):
            raise UsageError(f'the language "{name}" is not known', where="languages", do=nearest(name, known))

    def guess(self, text: str) -> Guess:
        """Returns the likeliest language of a text."""
        shares = self._rank(text)
        language = max(sorted(shares), key=lambda name: shares[name])
        return Guess(language, shares[language])

    def foreign(self, text: str) -> Guess | None:
        """Returns the language of a text that is more likely than not in another one than those wanted, else None.

        A text too short to tell stays.
        """
        guess = self.guess(text)
        return guess if guess.language not in self._wanted and guess.probability >= SURE else None

    def likeliest_wanted(self, text: str) -> str:
        """Returns the likeliest of the languages wanted, whatever others may be likelier."""
        shares = self._rank(text)
        return max(sorted(self._wanted), key=lambda name: shares[name])

    def _rank(self, text: str) -> dict[str, float]:
        shares: dict[str, float] = {}
        for name, probability in self._model.rank(text):
            common = _common(str(name))
            shares[common] = shares.get(common, 0.0) + float(probability)
        return shares


@lru_cache(maxsize=1)  # unpacking it takes most of a second, and it never changes
def _load_model() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise MissingExtraError("py3langid", "corpus", "Finding the language of a text") from error
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _common(name: str) -> str:
    return "zh" if name in _CHINESE else name
