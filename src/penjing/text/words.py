"""What may happen to a text before a word-level vocabulary sees it: segmentation and stop-word removal."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from penjing.errors import MissingExtraError, SettingsError, UsageError

Language = Literal["en", "zh"]
Span = tuple[int, int]  # first character, and one past the last
#: Characters that Chinese words are made of, as many as stand together.
HAN = "㐀-䶿一-鿿豈-﫿"
HAN_RUN = re.compile(rf"[{HAN}]+")
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
    grams: int = Field(
        0, ge=0, le=3, description="read runs of Chinese characters as every one to so many in a row; 0: as they are"
    )
    stop_words: tuple[Language, ...] = Field((), description="languages whose stop words are removed (extra words)")

    @model_serializer(mode="wrap")
    def _write(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out what came later and is not used: fingerprints of models, and runs, stay as they were."""
        values: dict[str, Any] = write(self)
        return values if self.grams else {name: value for name, value in values.items() if name != "grams"}

    @property
    def is_plain(self) -> bool:
        """Whether texts pass unchanged."""
        return not self.segment and not self.grams and not self.stop_words

    @model_validator(mode="after")
    def _cuts_in_one_way(self) -> Self:
        if self.segment and self.grams:
            raise SettingsError("segment and grams both say how runs of Chinese characters are cut", "Leave one out.")
        return self


def is_han(character: str) -> bool:
    """Whether a character is one of those that Chinese words are made of."""
    return HAN_RUN.match(character) is not None


def segment_chinese(text: str) -> list[Span]:
    """Cuts every run of Chinese characters into words; what lies between the runs stays whole.

    Words are found by jieba's dictionary and hidden Markov model (the package rjieba).

    Returns:
        Spans that cover the text, in order; those before the first and after the last run may be empty.

    Raises:
        MissingExtraError: rjieba is not installed.
    """
    try:
        import rjieba
    except ImportError as error:
        raise MissingExtraError("rjieba", "zh", "Chinese word segmentation") from error
    spans, position = [], 0
    for run in HAN_RUN.finditer(text):
        spans.append((position, run.start()))
        position = run.start()
        for word in rjieba.cut(run.group()):
            spans.append((position, position + len(word)))
            position += len(word)
    return [*spans, (position, len(text))]


def list_grams(text: str, most: int) -> list[Span]:
    """Lists the runs of one to so many Chinese characters, each where it begins; what lies between stays whole.

    Counted characters tell a headline's topic better than cut words do, where texts are few; a network that reads
    them can do as much.

    >>> [text[start:end] for text in ["看书 ok"] for start, end in list_grams(text, 2)]
    ['', '看', '看书', '书', ' ok']
    """
    spans, position = [], 0
    for run in HAN_RUN.finditer(text):
        spans.append((position, run.start()))
        position = run.end()
        for start in range(run.start(), position):
            spans.extend((start, end) for end in range(start + 1, min(start + most, position) + 1))
    return [*spans, (position, len(text))]


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


def words_to_read(text: str, settings: WordSettings) -> list[Span]:
    """Returns which parts of a text the word-level tokenizer should see, in order; between them it sees a space.

    With ``grams`` they overlap.
    """
    spans = _cut(text, settings)
    if not settings.stop_words:
        return spans
    stop_words = frozenset().union(*(load_stop_words(language) for language in settings.stop_words))
    words = (word for start, end in spans for word in _WORD.finditer(text, start, end))
    return [word.span() for word in words if word.group().lower() not in stop_words]


def _cut(text: str, settings: WordSettings) -> list[Span]:
    if settings.grams:
        return list_grams(text, settings.grams)
    return segment_chinese(text) if settings.segment else [(0, len(text))]


def prepare_words(text: str, settings: WordSettings) -> str:
    """Returns the text as the word-level tokenizer should see it."""
    return " ".join(text[start:end] for start, end in words_to_read(text, settings))
