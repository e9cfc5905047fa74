"""Baselines for dialogues: the reply that is most frequent, and the one that shares most with what was said (BM25)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penjing.data.keys import normalize_text
from penjing.errors import MissingExtraError
from penjing.metrics.retrieval import retrieval_credit
from penjing.metrics.texts import list_words
from penjing.tasks.task import Ratings, ReplyChoice

_TURNS = (1, 2, 4, 1000)  # how many of the last turns are looked at: the one that is best on the validation dialogues


@dataclass(frozen=True)
class FrequentReply:
    """Rates a reply by how often it was given in training, whatever was said before.

    Attributes:
        counts: of the training replies, by their letters and digits.
    """

    counts: Counter[str]

    def rate(self, questions: Sequence[ReplyChoice]) -> list[Ratings]:
        """Returns how often each candidate was given."""
        return [
            np.array([self.counts[normalize_text(text)] for text in question.candidates], dtype=np.float64)
            for question in questions
        ]


def fit_frequent(replies: Sequence[str], validation: Sequence[ReplyChoice]) -> FrequentReply:
    """Returns the baseline that counts replies; the validation questions are not looked at."""
    return FrequentReply(Counter(map(normalize_text, replies)))


@dataclass(frozen=True)
class Bm25Replies:
    """Rates a reply by the words that it shares with what was said (Robertson & Zaragoza 2009, BM25; bm25s, Lù 2024).

    How much a word says, and how long a reply is usually, is learned from the training replies and the candidates.

    Attributes:
        replies: of the training dialogues.
        turns: how many of the last turns are looked at.
    """

    replies: Sequence[str]
    turns: int

    def rate(self, questions: Sequence[ReplyChoice]) -> list[Ratings]:
        """Returns the BM25 score of each candidate, what was said last being the query; each word of it counts once."""
        places: dict[str, int] = {}
        for question in questions:
            for text in question.candidates:
                places.setdefault(text, len(places))
        index = _build_index([*map(list_words, places), *map(list_words, self.replies)])
        rated = []
        for question in questions:
            words = list(dict.fromkeys(word for text in question.said[-self.turns :] for word in list_words(text)))
            scores = index.get_scores(words) if words else np.zeros(len(places))
            rated.append(np.asarray(scores, dtype=np.float64)[[places[text] for text in question.candidates]])
        return rated


def fit_bm25(replies: Sequence[str], validation: Sequence[ReplyChoice]) -> Bm25Replies:
    """Returns the baseline that looks at as many turns as is best on the validation questions, the fewest of the best.

    Raises:
        MissingExtraError: bm25s is not installed.
    """
    if not validation:
        return Bm25Replies(replies, _TURNS[0])
    accuracies = {
        turns: np.mean([retrieval_credit(ratings) for ratings in Bm25Replies(replies, turns).rate(validation)])
        for turns in _TURNS
    }
    return Bm25Replies(replies, max(_TURNS, key=lambda turns: (accuracies[turns], -turns)))


def _build_index(documents: list[list[str]]) -> Any:
    try:
        import bm25s
    except ImportError as error:
        raise MissingExtraError("bm25s", "answers", "The baseline BM25") from error
    index = bm25s.BM25(method="lucene")
    index.index(documents, show_progress=False)
    return index
