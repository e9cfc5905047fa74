"""Where sentences end, in English and other languages with its punctuation, and in Chinese and Japanese."""

from __future__ import annotations

import re

from penjing.text.words import Span

_CLOSING = "\"'”’»)\\]"
_CLOSING_WIDE = "”’」』）】》"
_HAN = "㐀-䶿一-鿿豈-﫿"
#: An end: marks of Chinese at once; those of English where a space follows, and then no lower-case letter; ``!`` and
#: ``?`` between Chinese characters. A full stop there may stand in a name: 比尔.盖茨.
_END = re.compile(rf"(?:[。！？；]|……)+[{_CLOSING_WIDE}]*|[.!?…]+[{_CLOSING}]*(?=\s)|(?<=[{_HAN}])[!?]+(?=[{_HAN}])|\n")
_TITLES = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "al", "fig", "figs", "eq", "eqs", "sec", "no"}
    | {"cf", "e.g", "i.e", "resp", "approx", "inc", "ltd", "co", "gen", "sen", "rep", "bzw", "z.b"}
)
_LAST_WORD = re.compile(r"[^\W\d_]+(?:\.[^\W\d_]+)*\Z")
_NEXT = re.compile(r"\s*(\S)")


def split_sentences(text: str) -> list[str]:
    """Returns the sentences of a text, each without the spaces around it; a line end always ends one.

    A full stop does not end a sentence behind a common abbreviation or a single letter, nor before a lower-case letter.

    >>> split_sentences("Dr. Li came at 3.5 p.m. today. She left!")
    ['Dr. Li came at 3.5 p.m. today.', 'She left!']
    >>> split_sentences("房间很好。“真的？”她问。")
    ['房间很好。', '“真的？”', '她问。']
    """
    return [text[start:end] for start, end in locate_sentences(text)]


def locate_sentences(text: str) -> list[Span]:
    """Returns where the sentences of `split_sentences` begin and end in a text, in characters.

    >>> locate_sentences("房间很好。 早餐一般！")
    [(0, 5), (6, 11)]
    """
    borders, start = [], 0
    for end in _END.finditer(text):
        if end.group()[0] in ".…" and end.group()[:2] != "……" and _goes_on(text, end):
            continue
        borders.append((start, end.end()))
        start = end.end()
    spans = (_strip(text, *border) for border in (*borders, (start, len(text))))
    return [(first, last) for first, last in spans if first < last]


def _strip(text: str, start: int, end: int) -> Span:
    """Returns a span without the spaces at its ends."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())


def _goes_on(text: str, end: re.Match[str]) -> bool:
    """Whether a sentence goes on behind a full stop."""
    following = _NEXT.match(text, end.end())
    if following is not None and following.group(1).islower():
        return True
    word = _LAST_WORD.search(text[max(0, end.start() - 12) : end.start()])
    return end.group() == "." and word is not None and (len(word.group()) == 1 or word.group().lower() in _TITLES)
