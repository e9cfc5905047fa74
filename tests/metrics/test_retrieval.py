"""Retrieval accuracy: ties count in part, and intervals are over dialogues."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.metrics.retrieval import retrieval_accuracy, retrieval_credit, retrieval_difference


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_the_credits_of_all_candidates_add_up_to_one(ratings: list[int]) -> None:
    # Each candidate in turn taken for the right one: a draw among the best gives exactly one of them.
    turned = [[ratings[i], *ratings[:i], *ratings[i + 1 :]] for i in range(len(ratings))]
    assert sum(map(retrieval_credit, turned)) == pytest.approx(1.0)


def test_the_accuracy_is_the_mean_over_questions_and_its_interval_over_dialogues() -> None:
    rng = np.random.default_rng(0)
    dialogues = np.repeat(np.arange(30), 10)
    credits = np.repeat(rng.integers(0, 2, 30), 10).astype(np.float64)  # a dialogue is all right or all wrong
    score = retrieval_accuracy(credits, dialogues, 500, 0)
    alone = retrieval_accuracy(credits, np.arange(300), 500, 0)
    assert score.value == alone.value == pytest.approx(credits.mean())
    assert score.high - score.low > 2 * (alone.high - alone.low)  # what hangs together says less
    assert retrieval_accuracy(credits, dialogues, 500, 0) == score


def test_the_difference_is_paired_and_few_disagreements_prove_nothing() -> None:
    dialogues, credits = np.arange(100), np.tile([1.0, 0.0], 50)
    worse = credits.copy()
    worse[:8] = 0.0  # four questions
    few = retrieval_difference(credits, worse, dialogues, 500, 0)
    assert few.value == pytest.approx(0.04)
    assert few.low == 0.0
    many = retrieval_difference(credits, np.zeros(100), dialogues, 500, 0)
    assert many.low > 0.3


@pytest.mark.parametrize("dialogues", [1, 3, 5])
def test_few_dialogues_are_never_more_than_chance_however_many_questions_they_have(dialogues: int) -> None:
    gap = retrieval_difference(np.ones(60), np.zeros(60), np.arange(60) % dialogues, 500, 0)
    assert (gap.value, gap.low) == (1.0, 0.0)


@pytest.mark.parametrize("credit", [0.0, 1.0])
def test_all_found_and_none_found_are_no_certainty(credit: float) -> None:
    score = retrieval_accuracy(np.full(40, credit), np.arange(40) // 4, 200, 0)
    assert score.value == credit
    assert 0.25 < score.high - score.low < 0.3  # of ten dialogues, as Wilson has it
