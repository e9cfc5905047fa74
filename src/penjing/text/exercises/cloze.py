"""Questions made of texts, to practice on before real ones: a part of a sentence is asked for.

A sentence is taken; a number, a name, what stands in quotation marks or a short run of words becomes the answer, and
what stands around it, with some of its words left out, becomes the question, "what" or "什么" in the place of the
answer (cloze questions, as Lewis et al. 2019, arXiv 1906.04980, begin with). Nobody has to write anything; what is
practiced is to find the place that a question is about, and to stop where the answer ends. In Chinese each character is
a word.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from typing import Any

from penjing.data.pieces import word_spans
from penjing.text.sentences import locate_sentences
from penjing.text.words import HAN_RUN, Span

_QUOTED = r"《[^》]{1,20}》|「[^」]{1,20}」|“[^”]{1,40}”|\"[^\"]{1,40}\""
#: What is asked for in a sentence with Chinese characters, and in one of words.
_CHINESE = re.compile(rf"\d[\d.,]*(?:年|月|日|个|人|米|公里|万|亿|%)*|{_QUOTED}|[A-Za-z][\w -]+")
_SPACED = re.compile(rf"\d[\d.,:]*\d%?|\d+%?|{_QUOTED}|(?<=\w )[A-Z][\w'-]*(?: (?:of |the |de )?[A-Z][\w'-]*)*")
_CLAUSE = re.compile(r"(?:[^,;:.!?()，；：。！？（）、\n]|(?<=\d)[,.:](?=\d))+")  # a number is whole
_YEAR = re.compile(r"(?:1\d|20)\d\d年?|\D*(?:元|[一二三四五六七八九十])年")
_AROUND = {True: 24, False: 8}  # words of the sentence that a question keeps on each side, in Chinese or not
_SENTENCE = {True: (12, 120), False: (6, 40)}  # its words
_ANSWER = {True: (2, 10), False: (1, 4)}  # words of an answer that is no name and no number
_LEFT = 8  # characters that a sentence has beside its answer
_DROPPED = 0.15  # of the words around it
_RUNS = 0.4  # of the answers where there are names and numbers, too
_FEWEST_SENTENCES = 2  # of a text: where there is one, there is nothing to find
_MARKS = ".,;:!?()[]\"'“”。，；：！？（）、"


def cloze_questions(
    texts: Iterable[str], per_text: int, most_words: int, rng: random.Random
) -> Iterator[dict[str, Any]]:
    """Yields ``context``, ``question``, ``answer`` and ``answer_start``, in characters.

    Args:
        texts: what is asked about; one without two sentences gives nothing.
        per_text: most questions of a text.
        most_words: of a text; of a longer one a run of sentences is taken, beginning anywhere.
        rng: draws what is asked for.
    """
    for whole in texts:
        text = _cut(whole, most_words, rng)
        every = locate_sentences(text)
        sentences = [span for span in every if _is_askable(text[slice(*span)])]
        if len(every) < _FEWEST_SENTENCES:
            continue
        for span in rng.sample(sentences, min(per_text, len(sentences))):
            asked = _ask(text, span, rng)
            if asked is not None:
                yield {"context": text, **asked}


def _cut(text: str, most_words: int, rng: random.Random) -> str:
    """Returns a run of sentences of a text, as many as have no more words; the text itself if it is short enough."""
    if len(word_spans(text)) <= most_words:
        return text
    every = locate_sentences(text)
    first = rng.randrange(len(every))
    words, last = 0, first
    while last < len(every) and (words := words + len(word_spans(text[slice(*every[last])]))) <= most_words:
        last += 1
    return text[every[first][0] : every[last - 1][1]] if last > first else ""


def _is_askable(sentence: str) -> bool:
    fewest, most = _SENTENCE[_is_chinese(sentence)]
    return fewest <= len(word_spans(sentence)) <= most


def _is_chinese(text: str) -> bool:
    return HAN_RUN.search(text) is not None


def _ask(text: str, span: Span, rng: random.Random) -> dict[str, Any] | None:
    sentence = text[slice(*span)]
    chosen = _choose_answer(sentence, rng)
    if chosen is None:
        return None
    start, end = chosen
    answer = sentence[start:end]
    before, after = _around(sentence, chosen, rng)
    if _is_chinese(sentence):
        word = "哪年" if _YEAR.fullmatch(answer) else "多少" if answer[0].isdigit() else "什么"
        question = f"{before}{word}{after}".strip(_MARKS) + "？"
    else:
        word = "when" if _YEAR.fullmatch(answer) else "how many" if answer[0].isdigit() else "what"
        question = f"{before} {word} {after}".strip(f"{_MARKS} ") + "?"
    return {"question": question, "answer": answer, "answer_start": span[0] + start}


def _choose_answer(sentence: str, rng: random.Random) -> Span | None:
    """Returns a name, a number or something in quotation marks, or a short run of words; None where there is none."""
    is_chinese = _is_chinese(sentence)
    matches = (_CHINESE if is_chinese else _SPACED).finditer(sentence)
    found = (_bare(sentence, match.span()) for match in matches)
    named = [span for span in found if span is not None and span[1] - span[0] < len(sentence) - _LEFT]
    if named and rng.random() >= _RUNS:
        return rng.choice(named)
    return _draw_run(sentence, is_chinese=is_chinese, rng=rng)


def _draw_run(sentence: str, *, is_chinese: bool, rng: random.Random) -> Span | None:
    """Returns a few words at the beginning or the end of a clause, where answers begin or end, too."""
    runs = [words for match in _CLAUSE.finditer(sentence) if (words := _words(sentence, *match.span()))]
    if not runs:
        return None
    first_word, last_word = _ANSWER[is_chinese]
    clause = rng.choice(runs)
    length = min(len(clause), rng.randint(first_word, last_word))
    if len(clause) == length and len(runs) == 1:
        return None  # the whole sentence
    begin = rng.choice((0, len(clause) - length))
    return _bare(sentence, (clause[begin][0], clause[begin + length - 1][1]))


def _words(sentence: str, first: int, last: int) -> list[Span]:
    """Returns where the words of a part of a sentence stand in the sentence."""
    return [(first + start, first + end) for start, end in word_spans(sentence[first:last])]


def _bare(sentence: str, span: Span) -> Span | None:
    """Returns a span without the spaces and marks at its ends; None where nothing is left."""
    part = sentence[slice(*span)]
    start = span[0] + len(part) - len(part.lstrip(f"{_MARKS} "))
    end = span[0] + len(part.rstrip(f"{_MARKS} "))
    return (start, end) if start < end else None


def _around(sentence: str, answer: Span, rng: random.Random) -> tuple[str, str]:
    """Returns what a question keeps of a sentence on each side of the answer, with some of its words left out."""
    most = _AROUND[_is_chinese(sentence)]
    before = _words(sentence, 0, answer[0])[-most:]
    after = _words(sentence, answer[1], len(sentence))[:most]
    return _thin(sentence, before, rng), _thin(sentence, after, rng)


def _thin(sentence: str, words: list[Span], rng: random.Random) -> str:
    kept, end = "", None
    for first, last in words:
        if rng.random() < _DROPPED:
            continue
        if kept and end is not None and sentence[first - 1 : first].isspace():
            kept += " "
        kept, end = kept + sentence[first:last], last
    return kept
