from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from penjing.train.linear_head import LabelledVectors, fit_head
from penjing.train.settings import HeadSettings


def blobs(labels: int, rows: int = 60, dim: int = 6, seed: int = 0, noise: float = 1.0) -> LabelledVectors:
    rng = np.random.default_rng(seed)
    classes = np.arange(rows) % labels
    centers = np.random.default_rng(7).normal(size=(labels, dim))
    return LabelledVectors(5 + 3 * (centers[classes] + noise * rng.normal(size=(rows, dim))), classes)


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("labels", [2, 3, 5])
def test_probabilities_are_those_of_logistic_regression(labels: int, has_bias: bool) -> None:
    rows, apart = blobs(labels), blobs(labels, seed=1)
    head = fit_head(rows, HeadSettings(strength=2.0), None, 0, has_bias=has_bias)
    center = rows.vectors.mean(axis=0) if has_bias else 0
    scale = np.sqrt(np.mean(np.sum((rows.vectors - center) ** 2, axis=1)))
    fitted = LogisticRegression(C=2.0, fit_intercept=has_bias, max_iter=2000, tol=1e-6)
    fitted.fit((rows.vectors - center) / scale, rows.classes)
    expected = fitted.predict_proba((apart.vectors - center) / scale)
    np.testing.assert_allclose(head.probabilities(apart.vectors), expected, atol=1e-9)
    assert head.weight.shape == (labels, 6)
    if not has_bias:
        assert not head.bias.any()


def test_a_strength_means_the_same_for_vectors_of_another_size_or_place() -> None:
    rows = blobs(3)
    moved = LabelledVectors(100 * rows.vectors - 40, rows.classes)
    one, other = (fit_head(each, HeadSettings(strength=1.0), None, 0, has_bias=True) for each in (rows, moved))
    np.testing.assert_allclose(one.probabilities(rows.vectors), other.probabilities(moved.vectors), atol=1e-5)


def test_the_strength_is_the_one_that_loses_least_on_the_validation_rows() -> None:
    rows, apart = blobs(2, noise=2.5), blobs(2, seed=1, noise=2.5)
    head = fit_head(rows, HeadSettings(), apart, 0, has_bias=True)
    losses = {}
    for strength in head.losses:
        own = fit_head(rows, HeadSettings(strength=strength), None, 0, has_bias=True).probabilities(apart.vectors)
        losses[strength] = float(-np.log(own[np.arange(60), apart.classes]).mean())
    assert head.losses == pytest.approx(losses)
    assert head.strength == min(losses, key=losses.__getitem__)
    assert len(losses) > 3


def test_without_validation_rows_noise_is_held_back_and_clear_classes_are_not() -> None:
    noise = LabelledVectors(np.random.default_rng(0).normal(size=(24, 8)), np.arange(24) % 2)
    strengths = [
        fit_head(rows, HeadSettings(), None, 0, has_bias=True).strength for rows in (noise, blobs(2, noise=0.1))
    ]
    assert strengths[0] < 1 < strengths[1]


def test_two_rows_of_a_class_are_enough_for_cross_validation() -> None:
    rows = blobs(2, rows=4)
    assert set(fit_head(rows, HeadSettings(folds=5), None, 0, has_bias=True).losses) == {0.1, 1.0, 10.0, 100.0, 1000.0}
