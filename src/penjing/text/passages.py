"""Long texts cut into passages at the ends of sentences."""

from __future__ import annotations

import re

from penjing.text.sentences import split_sentences
from penjing.text.words import HAN_RUN, Span

_WORD = re.compile(r"\w+")


def split_passages(text: str, most_words: int = 160, overlap_sentences: int = 1) -> list[Span]:
    """Returns where the passages of a text begin and end; each holds whole sentences.

    Sentences are put together until the next would be too many; one that is too long by itself is a passage of its
    own. A passage begins with the last sentences of the one before, so that what is said across a border is in one.

    Args:
        text: the whole.
        most_words: of a passage; of Chinese and Japanese, where each character counts, characters.
        overlap_sentences: that a passage shares with the one before, if it has room for them.

    >>> split_passages("One. Two. Three.", most_words=2)
    [(0, 9), (5, 16)]
    """
    sentences = _sentence_spans(text)
    sizes = [count_words(text[start:end]) for start, end in sentences]
    passages: list[Span] = []
    first = 0
    while first < len(sentences):
        last, size = first, sizes[first]
        while last + 1 < len(sentences) and size + sizes[last + 1] <= most_words:
            last += 1
            size += sizes[last]
        passages.append((sentences[first][0], sentences[last][1]))
        if last + 1 == len(sentences):
            break
        back = last + 1 - min(overlap_sentences, last - first)
        first = back if sum(sizes[back : last + 2]) <= most_words else last + 1
    return passages


def count_words(text: str) -> int:
    """Returns how many words a text has; each Chinese character is one.

    >>> count_words("in 北京 today")
    4
    """
    han = sum(len(run.group()) for run in HAN_RUN.finditer(text))
    return han + len(_WORD.findall(HAN_RUN.sub(" ", text)))


def _sentence_spans(text: str) -> list[Span]:
    spans, place = [], 0
    for sentence in split_sentences(text):
        start = text.index(sentence, place)
        place = start + len(sentence)
        spans.append((start, place))
    return spans
