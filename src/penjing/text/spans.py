"""The words of a text as people see them, each with its place; for showing, whatever the tokenizer makes of it."""

from __future__ import annotations

import unicodedata
from typing import Literal

from penjing.text.words import Span, is_han, segment_chinese

_Kind = Literal["space", "letters", "han", "signs"]


def find_words(text: str) -> list[Span]:
    """Finds the words of a text.

    A word is a run of letters and digits, with apostrophes and hyphens inside; runs of Chinese characters are cut by a
    dictionary; a run of other signs is a word of its own. An accent, a vowel sign, a variation selector or a joiner
    goes with what it follows, so that nothing that is seen as one sign is cut. Every character but white space is in
    exactly one word: the words and what lies between them are the text.

    Returns:
        Spans in order.

    Raises:
        MissingExtraError: a run of Chinese characters has to be cut, and rjieba is not installed.
    """
    words: list[Span] = []
    start, kind = 0, _kind(text, 0, "space") if text else "space"
    for i in range(1, len(text) + 1):
        found = _kind(text, i, kind) if i < len(text) else None
        if found == kind:
            continue
        if kind == "han":
            words += _cut_chinese(text, start, i)
        elif kind != "space":
            words.append((start, i))
        if found is not None:
            start, kind = i, found
    return words


def _kind(text: str, i: int, before: _Kind) -> _Kind:
    """Returns what the character at i belongs to, after a character of the kind before."""
    character = text[i]
    if character.isspace():
        return "space"
    if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf"):
        return "signs" if before == "space" else before
    if is_han(character):
        return "han"
    if character.isalnum() or character == "_":
        return "letters"
    inside = before == "letters" and i + 1 < len(text) and text[i + 1].isalnum() and not is_han(text[i + 1])
    return "letters" if inside and character in "'’-" else "signs"


def _cut_chinese(text: str, start: int, end: int) -> list[Span]:
    """Cuts a run into words; a mark within it stays with the character before."""
    if end - start == 1:
        return [(start, end)]
    words: list[Span] = []
    for first, last in segment_chinese(text[start:end]):
        if first == last:
            continue
        if words and not is_han(text[start + first]):
            words[-1] = (words[-1][0], start + last)
        else:
            words.append((start + first, start + last))
    return words
