"""Baselines for questions: the part of the text that has most words in common with the question."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penjing.data.question_rows import Question
from penjing.metrics.texts import list_words
from penjing.text.sentences import split_sentences

_CLAUSE_END = re.compile(r"[，,、：:；;（）()]+")


@dataclass(frozen=True)
class OverlapBaseline:
    """Answers with the sentence, or the clause, that has most words in common with the question.

    Words are those of `penjing.metrics.texts.list_words`, single characters where a script has no spaces; each counts
    once. Of parts that have as many in common the shorter wins, then the earlier (Rajpurkar et al. 2016, section 5.1,
    begin with such sentences).

    Attributes:
        split: cuts a text into the parts.
    """

    split: Callable[[str], list[str]]

    def answer(self, questions: Sequence[str], texts: Sequence[str]) -> list[str]:
        """Returns a part of each text."""
        parts: dict[str, list[tuple[str, list[str]]]] = {}
        answers = []
        for question, text in zip(questions, texts, strict=True):
            if text not in parts:
                parts[text] = [(part, list_words(part)) for part in self.split(text)]
            asked = set(list_words(question))
            best = max(
                parts[text], key=lambda item: (len(asked.intersection(item[1])), -len(item[1])), default=(text, [])
            )
            answers.append(best[0])
        return answers


def fit_overlap_sentence(questions: Sequence[Question]) -> OverlapBaseline:
    """Returns the baseline that answers with whole sentences; it learns nothing from the training questions."""
    return OverlapBaseline(split_sentences)


def fit_overlap_clause(questions: Sequence[Question]) -> OverlapBaseline:
    """Returns the baseline that answers with what stands between commas: nearer to the length of an answer."""
    return OverlapBaseline(split_clauses)


def split_clauses(text: str) -> list[str]:
    """Returns what stands between commas, brackets and the like in the sentences of a text.

    >>> split_clauses("北京，中国的首都。上海很大！")
    ['北京', '中国的首都。', '上海很大！']
    """
    parts = (part.strip() for sentence in split_sentences(text) for part in _CLAUSE_END.split(sentence))
    return [part for part in parts if part]
