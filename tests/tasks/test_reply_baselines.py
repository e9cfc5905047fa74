"""Baselines of dialogues: the most frequent reply, and BM25, whose scores are those of its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from penjing.metrics.texts import list_words
from penjing.tasks.baselines.replies import Bm25Replies, fit_bm25, fit_frequent
from penjing.tasks.task import ReplyChoice

REPLIES = ["Yes.", "yes", "No.", "The film was long, and the book was longer."]


def test_the_most_frequent_reply_is_rated_best_whatever_was_said() -> None:
    (ratings,) = fit_frequent(REPLIES, []).rate([ReplyChoice(["So?"], ["No!", "YES", "Perhaps."])])
    assert ratings.tolist() == [1.0, 2.0, 0.0]


def test_bm25_is_its_formula() -> None:
    pytest.importorskip("bm25s")
    question = ReplyChoice(
        ["Old words.", "Was the film long? The film!"], ["The film was long.", "No.", "A cat, a film."]
    )
    (ratings,) = Bm25Replies(REPLIES, 1).rate([question])
    documents = [list_words(text) for text in (*question.candidates, *REPLIES)]
    mean = sum(map(len, documents)) / len(documents)
    expected = []
    for words in documents[:3]:
        score = 0.0
        for word in set(list_words(question.said[-1])):
            holding = sum(word in document for document in documents)
            rarity = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            times = words.count(word)
            score += rarity * times / (times + 1.5 * (1 - 0.75 + 0.75 * len(words) / mean))
        expected.append(score)
    np.testing.assert_allclose(ratings, expected, rtol=1e-5)


def test_bm25_looks_at_as_many_turns_as_is_best_on_validation() -> None:
    pytest.importorskip("bm25s")
    topics = ["apples", "boats", "clouds", "drums", "eagles", "forests"]
    late = [ReplyChoice([f"about {topic}", "and then"], [f"{topic} it is", "it is"]) for topic in topics]
    assert fit_bm25(REPLIES, late).turns == 2
    assert fit_bm25(REPLIES, []).turns == 1


def test_words_that_nobody_knows_rate_all_alike() -> None:
    pytest.importorskip("bm25s")
    ratings = Bm25Replies(REPLIES, 1).rate([ReplyChoice(["zzz"], ["a", "b"]), ReplyChoice(["!?"], ["a", "b"])])
    assert [rated.tolist() for rated in ratings] == [[0.0, 0.0], [0.0, 0.0]]
