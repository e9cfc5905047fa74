"""An ordered logistic regression on one number is the likeliest one, by brute force and by scikit-learn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.linear_model import LogisticRegression

from penjing.tasks.baselines.proportional_odds import ProportionalOdds, _loss_and_gradient, fit_proportional_odds
from penjing.tasks.ordinal import choose_median


def draw(places: int, rows: int, seed: int, slope: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Returns numbers and places that follow the model, each place at least once."""
    rng = np.random.default_rng(seed)
    numbers = rng.uniform(-1, 1, rows)
    borders = np.linspace(-1.5, 1.5, places - 1)
    found = (slope * numbers + rng.logistic(size=rows) > borders[:, None]).sum(axis=0)
    found[:places] = np.arange(places)
    return numbers, found


def loss(model: ProportionalOdds, numbers: np.ndarray, places: np.ndarray) -> float:
    """Returns the penalized negative log-likelihood, by the definition."""
    own = model.probabilities(numbers)[np.arange(len(places)), places]
    return float(-np.log(own).sum() + 0.5 * model.slope**2)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_slope_and_thresholds_of_a_fine_grid_are_likelier(seed: int) -> None:
    numbers, places = draw(3, 40, seed)
    fitted = fit_proportional_odds(numbers, places)
    slopes, borders = np.arange(0.0, 6.0, 0.1), np.arange(-4.0, 4.0, 0.1)
    tried = [
        ProportionalOdds(slope, np.array([low, high]))
        for slope, low, high in product(slopes, borders, borders)
        if low < high
    ]
    losses = _grid_losses(tried, numbers, places)
    best = tried[int(losses.argmin())]
    assert loss(fitted, numbers, places) < losses.min() < loss(fitted, numbers, places) + 0.1
    np.testing.assert_allclose([fitted.slope, *fitted.thresholds], [best.slope, *best.thresholds], atol=0.15)


def _grid_losses(tried: list[ProportionalOdds], numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
    slopes = np.array([model.slope for model in tried])[:, None]
    low, high = np.array([model.thresholds for model in tried]).T[:, :, None]
    below = [1 / (1 + np.exp(slopes * numbers - border)) for border in (low, high)]
    own = np.where(places == 0, below[0], np.where(places == 1, below[1] - below[0], 1 - below[1]))
    return np.asarray(-np.log(own).sum(axis=1) + 0.5 * slopes[:, 0] ** 2)


@pytest.mark.parametrize("seed", [0, 1])
def test_of_two_places_it_is_logistic_regression(seed: int) -> None:
    numbers, places = draw(2, 200, seed)
    fitted = fit_proportional_odds(numbers, places)
    other = LogisticRegression(C=1.0, tol=1e-10).fit(numbers[:, None], places)
    np.testing.assert_allclose(
        [fitted.slope, -fitted.thresholds[0]], [other.coef_[0, 0], other.intercept_[0]], atol=1e-5
    )
    np.testing.assert_allclose(fitted.probabilities(numbers), other.predict_proba(numbers[:, None]), atol=1e-6)


def test_the_gradient_agrees_with_finite_differences() -> None:
    numbers, places = draw(5, 60, 3)
    counts = np.bincount(places)
    for values in ([-1.0, -0.5, 0.2, 0.1, 1.5], [0.3, 1.0, -2.0, 0.0, 0.4]):
        given = np.array(values)
        expected = approx_fprime(given, lambda at: _loss_and_gradient(at, numbers, places, counts)[0], 1e-6)
        np.testing.assert_allclose(_loss_and_gradient(given, numbers, places, counts)[1], expected, atol=1e-5)


def test_the_median_changes_at_thresholds_divided_by_the_slope() -> None:
    fitted = fit_proportional_odds(*draw(5, 500, 4))
    borders = fitted.thresholds / fitted.slope
    around = np.sort(np.concatenate([borders - 1e-6, borders + 1e-6]))
    assert choose_median(fitted.probabilities(around)).tolist() == [0, 1, 1, 2, 2, 3, 3, 4]
    np.testing.assert_allclose(fitted.probabilities(around).sum(axis=1), 1.0)


def test_a_number_that_says_nothing_or_the_contrary_leaves_the_shares() -> None:
    numbers, places = draw(4, 300, 5)
    shares = np.bincount(places) / len(places)
    for given in (np.zeros(300), -numbers):
        fitted = fit_proportional_odds(given, places)
        assert fitted.slope == 0
        np.testing.assert_allclose(fitted.probabilities([0.7])[0], shares, atol=1e-6)


def test_a_number_that_tells_all_apart_has_a_finite_slope() -> None:
    fitted = fit_proportional_odds([-0.9, -0.8, 0.0, 0.1, 0.8, 0.9] * 20, [0, 0, 1, 1, 2, 2] * 20)
    assert 3 < fitted.slope < 30
    assert choose_median(fitted.probabilities([-0.9, 0.05, 0.9])).tolist() == [0, 1, 2]
