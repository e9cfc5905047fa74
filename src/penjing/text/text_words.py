"""The language of a text by its script, and its words, for figures about tokenizers."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from penjing.text.words import HAN_RUN, Span, segment_chinese

TextLanguage = Literal["en", "zh", "other"]
LANGUAGES: tuple[TextLanguage, ...] = ("en", "zh", "other")
_HAN = re.compile(r"[㐀-䶿一-鿿豈-﫿]")
_KANA = re.compile(r"[぀-ヿ]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_CHUNK = re.compile(r"\S+")
_HAN_A_WORD = 1.5  # characters


@dataclass(frozen=True)
class WordedText:
    """A text with what figures about tokenizers need.

    Attributes:
        text: all of it.
        language: told by its script.
        words: where they stand.
    """

    text: str
    language: TextLanguage
    words: list[Span]


def find_words_of(text: str) -> WordedText:
    """Returns a text with its language and words."""
    return WordedText(text, language_of(text), find_text_words(text))


def language_of(text: str) -> TextLanguage:
    """Returns the language of a text, told by script alone.

    ``zh``: more Chinese words (1.5 characters each) than runs of other letters, and kana only here and there. ``en``:
    else more runs of Latin letters than of others; other languages in Latin letters count as English. ``other``: the
    rest.
    """
    han, kana = len(_HAN.findall(text)), len(_KANA.findall(text))
    latin = len(_LATIN.findall(text))
    letters = len(_LETTERS.findall(_HAN.sub(" ", text)))
    if han / _HAN_A_WORD > letters and kana * 10 <= han:
        return "zh"
    return "en" if latin * 2 > letters and latin > han / _HAN_A_WORD else "other"


def find_text_words(text: str) -> list[Span]:
    """Returns the words of a text: what stands between spaces, without signs at the ends.

    Runs of Chinese characters are cut by the dictionary of rjieba (extra ``zh``); where it is not installed, every
    character is a word.
    """
    words: list[Span] = []
    for chunk in _CHUNK.finditer(text):
        position = chunk.start()
        for run in HAN_RUN.finditer(chunk.group()):
            start, end = chunk.start() + run.start(), chunk.start() + run.end()
            words += _trim(text, position, start)
            words += _cut_han(text, start, end)
            position = end
        words += _trim(text, position, chunk.end())
    return words


def _trim(text: str, start: int, end: int) -> list[Span]:
    while start < end and _is_sign(text[start]):
        start += 1
    while start < end and _is_sign(text[end - 1]):
        end -= 1
    return [(start, end)] if start < end else []


def _is_sign(character: str) -> bool:
    return not character.isalnum() and not unicodedata.category(character).startswith("M")


def _cut_han(text: str, start: int, end: int) -> list[Span]:
    if not cuts_chinese_words():
        return [(place, place + 1) for place in range(start, end)]
    return [(start + first, start + last) for first, last in segment_chinese(text[start:end]) if last > first]


@lru_cache(maxsize=1)
def cuts_chinese_words() -> bool:
    """Whether Chinese words are told by a dictionary here, for rjieba is installed."""
    return importlib.util.find_spec("rjieba") is not None
