"""Scores of rankings: against scikit-learn, against orders of ties drawn one by one, and by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score, top_k_accuracy_score

from penjing.errors import DataError
from penjing.metrics.ranking import (
    BANDS,
    GAINS,
    Places,
    best_first,
    coverage,
    find_places,
    join_places,
    popularity_bands,
    ranking_difference,
    ranking_gains,
    ranking_scores,
)


def some_scores(rows: int = 60, items: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.permutation(rows * items).reshape(rows, items).astype(np.float64), rng.integers(0, items, rows)


def test_without_ties_the_scores_are_those_of_scikit_learn() -> None:
    scores, targets = some_scores()
    wanted = np.eye(scores.shape[1], dtype=np.int64)[targets]
    ndcg, hits, reciprocal = ranking_gains(find_places(scores, targets)).mean(axis=0)
    assert ndcg == pytest.approx(ndcg_score(wanted, scores, k=10))
    assert hits == pytest.approx(top_k_accuracy_score(targets, scores, k=10, labels=np.arange(scores.shape[1])))
    assert reciprocal == pytest.approx(label_ranking_average_precision_score(wanted, scores))  # one item is wanted


@settings(max_examples=60)
@given(st.integers(0, 12), st.integers(0, 5))
def test_a_tie_is_worth_the_mean_over_all_its_orders(above: int, tied: int) -> None:
    (found,) = ranking_gains(Places(np.array([above]), np.array([tied])))
    ranks = [above + order.index(0) + 1 for order in permutations(range(tied + 1))]
    expected = [[(rank <= 10) / np.log2(rank + 1), float(rank <= 10), 1 / rank] for rank in ranks]
    np.testing.assert_allclose(found, np.mean(expected, axis=0))


def test_a_ranker_that_cannot_tell_items_apart_gets_what_chance_gives() -> None:
    scores, targets = np.zeros((5, 100)), np.array([0, 3, 50, 98, 99])
    gains = ranking_gains(find_places(scores, targets))
    np.testing.assert_allclose(gains[:, 1], 0.1)
    np.testing.assert_allclose(gains[:, 2], np.mean(1 / np.arange(1, 101)))


def test_what_is_not_ranked_stands_below_all() -> None:
    scores = np.array([[5.0, 4.0, -np.inf, 1.0, 1.0]])
    assert find_places(scores, np.array([1])) == Places(np.array([1]), np.array([0]))
    assert find_places(scores, np.array([4])) == Places(np.array([2]), np.array([1]))
    assert best_first(scores).tolist() == [[0, 1, 3, 4, -1, -1, -1, -1, -1, -1]]
    assert best_first(scores, 2).tolist() == [[0, 1]]


def test_scores_have_intervals_around_them_and_bands_add_up() -> None:
    scores, targets = some_scores(200)
    bands = popularity_bands(np.arange(40))[targets]
    found = ranking_scores(find_places(scores, targets), best_first(scores), 40, bands, 200, 0)
    for score in found["scores"].values():
        assert score["low"] <= score["value"] <= score["high"]
    assert sum(band["rows"] for band in found["bands"].values()) == found["rows"] == 200
    for name in GAINS:
        mean = sum(band["rows"] * band[name]["value"] for band in found["bands"].values()) / 200
        assert mean == pytest.approx(found["scores"][name]["value"])
    assert found == ranking_scores(find_places(scores, targets), best_first(scores), 40, bands, 200, 0)


def test_coverage_is_the_share_of_items_shown_to_somebody() -> None:
    shown = np.array([[0, 1, -1], [1, 2, -1]])
    assert coverage(shown, 6, 100, 0).value == 0.5


def test_bands_have_a_third_of_the_events_each() -> None:
    counts = np.array([1, 10, 10, 9, 20, 0, 10])
    bands = [BANDS[band] for band in popularity_bands(counts)]
    assert bands == ["tail", "middle", "middle", "tail", "head", "tail", "tail"]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
def test_no_item_is_in_a_lower_band_than_a_rarer_one(counts: list[int]) -> None:
    bands = popularity_bands(np.array(counts))
    order = np.argsort(-np.array(counts), kind="stable")
    assert (np.diff(bands[order]) >= 0).all()


def test_a_difference_is_paired_and_few_disagreements_prove_nothing() -> None:
    first = Places(np.array([0] * 30), np.zeros(30, dtype=np.int64))
    other = Places(np.array([0] * 25 + [20] * 5), np.zeros(30, dtype=np.int64))
    found = ranking_difference(first, other, 200, 0)["hit_rate_10"]
    assert found["value"] == pytest.approx(5 / 30)
    assert found["low"] == 0.0  # five of five are not more than chance
    assert ranking_difference(first, Places(first.above + 20, first.tied), 200, 0)["ndcg_10"]["low"] == 1.0


def test_nothing_to_measure_is_refused() -> None:
    empty = Places(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    with pytest.raises(DataError):
        ranking_scores(empty, np.zeros((0, 10), dtype=np.int64), 5, None, 100, 0)


def test_places_are_joined_in_order() -> None:
    one, two = Places(np.array([1]), np.array([2])), Places(np.array([3, 4]), np.array([5, 6]))
    joined = join_places([one, two])
    assert (joined.above.tolist(), joined.tied.tolist()) == ([1, 3, 4], [2, 5, 6])


@pytest.mark.parametrize(("above", "value"), [(40, 0.0), (3, 1.0)])
def test_a_hit_rate_of_none_or_all_is_no_certainty(above: int, value: float) -> None:
    places = Places(np.full(12, above), np.zeros(12, dtype=np.int64))
    shown = np.tile(np.arange(10), (12, 1))
    score = ranking_scores(places, shown, 100, None, 200, 0)["scores"]["hit_rate_10"]
    assert score["value"] == value
    assert 0.2 < score["high"] - score["low"] < 0.3
