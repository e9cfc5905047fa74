"""What may happen to a text before a word-level vocabulary sees it: segmentation and stop-word removal."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from penjing.errors import MissingExtraError, UsageError

Language = Literal["en", "zh"]
_HAN_RUN = re.compile(r"[㐀-䶿一-鿿豈-﫿]+")
_NEGATIONS_AND_DEGREES = """
no not nor never none nothing nobody nowhere neither cannot can't don't doesn't didn't isn't wasn't aren't weren't won't
wouldn't shouldn't couldn't hasn't haven't hadn't without against few little less least too very more most
不 没 没有 无 非 未 别 莫 勿 不是 不会 不能 不要 不如 不够 不比 不得 不敢 不料 不怕 很 太 最 更 更加
"""
_WORD = re.compile(r"\w+(?:'\w+)?|[^\w\s]")


class WordSettings(BaseModel):
    """How a text is cut into words before the tokenizer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: bool = Field(False, description="cut runs of Chinese characters into words (needs the extra zh)")
    stop_words: tuple[Language, ...] = Field((), description="languages whose stop words are removed (extra words)")

    @property
    def is_plain(self) -> bool:
        """Whether texts pass unchanged."""
        return not self.segment and not self.stop_words


def segment_chinese(text: str) -> str:
    """Puts spaces between the words of every run of Chinese characters; everything else stays as it is.

    Words are found by jieba's dictionary and hidden Markov model (the package rjieba).

    Raises:
        MissingExtraError: rjieba is not installed.
    """
    try:
        import rjieba
    except ImportError as error:
        raise MissingExtraError("rjieba", "zh", "Chinese word segmentation") from error
    return _HAN_RUN.sub(lambda run: f" {' '.join(rjieba.cut(run.group()))} ", text)


@lru_cache(maxsize=8)
def load_stop_words(language: Language) -> frozenset[str]:
    """Returns the stop words of a language (the package stopwordsiso), lower case.

    Words of negation and degree stay in the text: without "not", "not good" would read as praise.

    Raises:
        MissingExtraError: stopwordsiso is not installed.
    """
    try:
        import stopwordsiso
    except ImportError as error:
        raise MissingExtraError("stopwordsiso", "words", "Removing stop words") from error
    if not stopwordsiso.has_lang(language):
        raise UsageError(f'there are no stop words for the language "{language}"', do="Use en or zh.")
    return frozenset(stopwordsiso.stopwords(language)) - frozenset(_NEGATIONS_AND_DEGREES.split())


def remove_stop_words(text: str, languages: tuple[Language, ...]) -> str:
    """Returns the words and punctuation marks of a text that are no stop words, joined by spaces."""
    stop_words = frozenset().union(*(load_stop_words(language) for language in languages))
    return " ".join(word for word in _WORD.findall(text) if word.lower() not in stop_words)


def prepare_words(text: str, settings: WordSettings) -> str:
    """Returns the text as the word-level tokenizer should see it."""
    if settings.segment:
        text = segment_chinese(text)
    return remove_stop_words(text, settings.stop_words) if settings.stop_words else text
