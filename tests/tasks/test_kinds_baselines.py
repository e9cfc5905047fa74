"""Baselines of labels in order and of several labels learn what is cheap, and never fail on odd data."""

from __future__ import annotations

import numpy as np
import pytest

from penjing.errors import DataError
from penjing.tasks.baselines import MULTILABEL_BASELINES
from penjing.tasks.baselines.frequent_set import fit_frequent_set
from penjing.tasks.baselines.majority import Majority
from penjing.tasks.baselines.tfidf_each import fit_tfidf_each
from penjing.tasks.baselines.tfidf_ridge import TfidfRidge, fit_tfidf_ridge
from penjing.tasks.ordinal import choose_median

TEXTS = ["dull dull", "dull film", "film", "lovely film", "lovely lovely"] * 8
PLACES = np.array([0, 1, 2, 3, 4] * 8)
NAMES = ["1", "2", "3", "4", "5"]


def test_ridge_puts_texts_in_their_places_with_probabilities_around_them() -> None:
    model = fit_tfidf_ridge(TEXTS, PLACES, TEXTS[:10], PLACES[:10], NAMES)
    assert isinstance(model, TfidfRidge)
    chances = model.probabilities(TEXTS)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert (chances >= 0).all()
    places = np.clip(np.round(model.regression.predict(model.vectorizer.transform(TEXTS))), 0, 4)
    np.testing.assert_array_equal(choose_median(chances), places)
    assert np.abs(choose_median(chances) - PLACES).mean() < 0.5
    again = fit_tfidf_ridge(TEXTS, PLACES, TEXTS[:10], PLACES[:10], NAMES)
    np.testing.assert_array_equal(chances, again.probabilities(TEXTS))


def test_ridge_with_nothing_to_learn_from_is_the_majority() -> None:
    assert isinstance(fit_tfidf_ridge(["!!", "??"], [0, 1], [], [], NAMES), Majority)
    assert isinstance(fit_tfidf_ridge(["one", "two"], [1, 1], [], [], NAMES), Majority)
    assert fit_tfidf_ridge(TEXTS, PLACES, [], [], NAMES).probabilities([]).shape == (0, 5)


def test_most_frequent_set_has_the_fewest_labels_of_several() -> None:
    flags = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    assert fit_frequent_set(["x"] * 5, flags).probabilities(["a", "b"]).tolist() == [[0, 1, 0]] * 2


def test_each_label_is_learned_by_itself_and_constant_ones_stay_so() -> None:
    texts = ["price", "service", "price service", "nothing"] * 5
    flags = np.array([["price" in text, "service" in text, True, False] for text in texts])
    chances = fit_tfidf_each(texts, flags).probabilities(texts)
    np.testing.assert_array_equal(chances >= 0.5, flags)
    np.testing.assert_array_equal(
        fit_tfidf_each(["!!", "?"], flags[:2]).probabilities(["a"])[0], flags[:2].mean(axis=0)
    )


@pytest.mark.parametrize("name", sorted(MULTILABEL_BASELINES))
def test_no_rows_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="no training rows"):
        MULTILABEL_BASELINES[name]([], np.zeros((0, 2), dtype=bool))
