"""A regression a label agrees with scikit-learn's, and labels that every row has, or none, have their rule."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.multiclass import OneVsRestClassifier

from penjing.train.label_heads import FlaggedVectors, fit_label_heads
from penjing.train.settings import HeadSettings


def some_rows(labels: int = 4, rows: int = 80, dim: int = 6, seed: int = 0) -> FlaggedVectors:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(rows, dim))
    scores = vectors @ np.random.default_rng(7).normal(size=(dim, labels)) - 0.5 + rng.normal(size=(rows, labels))
    return FlaggedVectors(5 + 3 * vectors, scores > 0)


def framed(rows: FlaggedVectors, other: FlaggedVectors, *, has_bias: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the vectors of both around the mean of the first, scaled by their length."""
    center = rows.vectors.mean(axis=0) if has_bias else 0
    scale = np.sqrt(np.mean(np.sum((rows.vectors - center) ** 2, axis=1)))
    return (rows.vectors - center) / scale, (other.vectors - center) / scale


@pytest.mark.parametrize("has_bias", [True, False])
def test_probabilities_are_those_of_one_regression_against_the_rest(has_bias: bool) -> None:
    rows, apart = some_rows(), some_rows(seed=1)
    heads = fit_label_heads(rows, HeadSettings(strength=2.0), None, has_bias=has_bias)
    learned, asked = framed(rows, apart, has_bias=has_bias)
    regression = LogisticRegression(C=2.0, fit_intercept=has_bias, max_iter=2000, tol=1e-6)
    reference = OneVsRestClassifier(regression).fit(learned, rows.flags.astype(int))
    np.testing.assert_allclose(heads.probabilities(apart.vectors), reference.predict_proba(asked), atol=1e-9)
    assert heads.weight.shape == (4, 6)
    assert heads.losses == {}
    if not has_bias:
        assert not heads.bias.any()


def test_the_strength_is_the_one_with_the_least_cross_entropy_on_the_validation_rows() -> None:
    rows, apart = some_rows(rows=40), some_rows(rows=200, seed=1)
    heads = fit_label_heads(rows, HeadSettings(), apart, has_bias=True)
    losses = {}
    for strength in heads.losses:
        own = fit_label_heads(rows, HeadSettings(strength=strength), None, has_bias=True).probabilities(apart.vectors)
        losses[strength] = np.mean([log_loss(apart.flags[:, n], own[:, n]) for n in range(4)])
    assert heads.losses == pytest.approx(losses)
    assert heads.strength == min(losses, key=losses.__getitem__)
    assert len(losses) > 3


def with_extremes(rows: FlaggedVectors) -> FlaggedVectors:
    """Adds a label that every row has, and one that none has."""
    count = len(rows.vectors)
    return FlaggedVectors(rows.vectors, np.column_stack([rows.flags, np.ones(count, bool), np.zeros(count, bool)]))


def test_a_label_that_all_rows_have_or_none_is_as_probable_for_every_text_and_never_certain() -> None:
    rows = some_rows()
    both = fit_label_heads(with_extremes(rows), HeadSettings(strength=2.0), None, has_bias=True)
    alone = fit_label_heads(rows, HeadSettings(strength=2.0), None, has_bias=True)
    chances = both.probabilities(some_rows(seed=1).vectors)
    np.testing.assert_allclose(chances[:, 4], 80 / 81, atol=1e-4)
    np.testing.assert_allclose(chances[:, 5], 1 / 81, atol=1e-4)
    np.testing.assert_array_equal(both.weight[:4], alone.weight)  # the added row is of those labels alone


def test_without_a_bias_a_label_that_all_rows_have_is_the_regression_of_these_rows_alone() -> None:
    rows = some_rows()
    heads = fit_label_heads(with_extremes(rows), HeadSettings(strength=2.0), None, has_bias=False)
    learned, asked = framed(rows, some_rows(seed=1), has_bias=False)

    def loss(weight: np.ndarray) -> float:
        return float(weight @ weight / 2 + 2.0 * np.logaddexp(0, -learned @ weight).sum())

    weight = minimize(loss, np.zeros(6), options={"gtol": 1e-8}).x
    chances = heads.probabilities(some_rows(seed=1).vectors)
    np.testing.assert_allclose(chances[:, 4], 1 / (1 + np.exp(-asked @ weight)), atol=1e-5)
    np.testing.assert_allclose(chances[:, 5], 1 / (1 + np.exp(asked @ weight)), atol=1e-5)


def test_every_strength_can_be_compared_where_no_validation_row_has_a_label() -> None:
    rows, apart = with_extremes(some_rows()), some_rows(seed=1)
    none = np.zeros((80, 2), dtype=np.bool_)
    heads = fit_label_heads(
        rows, HeadSettings(), FlaggedVectors(apart.vectors, np.hstack([apart.flags, none])), has_bias=True
    )
    assert all(np.isfinite(loss) for loss in heads.losses.values())
