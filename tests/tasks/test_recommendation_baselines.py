"""Baselines of recommendation, against what they are by definition."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity

from penjing.data.histories import Catalog
from penjing.data.terms import list_single_terms
from penjing.tasks.baselines.recommendation import LastText, fit_item_neighbors, fit_last_text, fit_popular

TRAINING = [np.array(items) for items in ([1, 2, 3], [1, 2], [2, 3, 4], [5])]
TEXTS = ["red cup", "red hat", "blue hat", "blue cup", "a car"]
CATALOG = Catalog(list("abcde"), TEXTS, np.array([2, 3, 2, 1, 1]))


def test_popular_counts_training_events() -> None:
    scores = fit_popular(TRAINING, CATALOG).rank([np.array([1]), np.array([4, 5])])
    assert scores.tolist() == [[2, 3, 2, 1, 1]] * 2


def test_neighbors_are_the_cosines_of_who_had_both() -> None:
    had = np.zeros((4, 5))
    for user, items in enumerate(TRAINING):
        had[user, items - 1] = 1
    likeness = cosine_similarity(had.T)
    np.fill_diagonal(likeness, 0)
    scores = fit_item_neighbors(TRAINING, CATALOG).rank([np.array([1]), np.array([2, 4])])
    np.testing.assert_allclose(scores, [likeness[0], likeness[1] + likeness[3]])


def test_an_item_keeps_its_hundred_nearest() -> None:
    rng = np.random.default_rng(0)
    training = [rng.permutation(300)[:60] + 1 for _ in range(80)]
    catalog = Catalog([str(n) for n in range(300)], [""] * 300, np.zeros(300, dtype=np.int64))
    scores = fit_item_neighbors(training, catalog).rank([np.array([7])])
    assert (scores > 0).sum() == 100
    had = np.zeros((80, 300))
    for user, items in enumerate(training):
        had[user, items - 1] = 1
    likeness = cosine_similarity(had.T)[6]
    likeness[6] = 0
    assert scores[scores > 0].min() == pytest.approx(np.sort(likeness)[-100])


def test_the_likest_text_comes_first() -> None:
    scores = fit_last_text(TRAINING, CATALOG).rank([np.array([5, 1])])
    assert scores[0].argmax() == 0
    assert set(np.flatnonzero(scores[0])) == {0, 1, 3}
    new = LastText(TEXTS, ["blue boat", "car"]).rank([np.array([3]), np.array([5])])
    assert (new > 0).tolist() == [[True, False], [False, True]]


def test_texts_without_spaces_are_alike_by_their_characters() -> None:
    texts = ["红色连衣裙 女装", "蓝色连衣裙女装", "男士皮鞋", "皮鞋清洁剂"]
    scores = LastText(texts, texts).rank([np.array([1]), np.array([3])])
    assert np.argsort(-scores[0])[:2].tolist() == [0, 1]
    assert np.argsort(-scores[1])[:2].tolist() == [2, 3]
    assert scores[0, 1] > 0.3 > scores[0, 2]


def test_where_no_text_has_a_term_nothing_is_alike() -> None:
    assert LastText(["★", ""], ["☆", "a car", "!"]).rank([np.array([2])]).tolist() == [[0.0, 0.0, 0.0]]


@given(st.lists(st.text("aé Ж7_'-.\n中", max_size=12), min_size=1, max_size=5))
def test_words_of_scripts_with_spaces_are_those_of_scikit_learn(texts: list[str]) -> None:
    for text in texts:
        plain = text.replace("中", " ")
        assert list_single_terms(plain) == re.findall(r"(?u)\b\w+\b", plain.lower())
