"""Places in an order from one number: an ordered logistic regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_MOST_ITERATIONS = 1000
_FLATTEST_GRADIENT = 1e-9


@dataclass(frozen=True)
class ProportionalOdds:
    """The proportional-odds model of one number: P(place ≤ k) = 1 / (1 + exp(slope · number - threshold k)).

    The odds of a place above k and of one up to k are even, and so the median changes from k to k + 1, where the number
    is threshold k divided by the slope.

    Attributes:
        slope: not below 0: a higher number never means a lower place.
        thresholds: between neighbouring places, ascending, [places - 1].
    """

    slope: float
    thresholds: Floats

    def probabilities(self, numbers: ArrayLike) -> Floats:
        """Returns the probability of each place for each number [rows], [rows, places]."""
        raised = self.thresholds - self.slope * np.asarray(numbers, dtype=np.float64)[:, None]
        whole = np.pad(_logistic(raised), ((0, 0), (1, 1)), constant_values=(0.0, 1.0))
        return np.asarray(np.diff(whole, axis=1), dtype=np.float64)


def fit_proportional_odds(numbers: ArrayLike, places: ArrayLike) -> ProportionalOdds:
    """Returns the model under which the places are likeliest (McCullagh 1980, J. R. Stat. Soc. B 42, section 2).

    The likelihood has one maximum (Pratt 1981, J. Am. Stat. Assoc. 76). The slope is penalized by half its
    square, as in scikit-learn's logistic regression with C = 1, so that it is finite where the number tells all places
    apart; the thresholds are free.

    Args:
        numbers: one a row, [rows].
        places: of the rows, from 0; each up to the last has a row, and there are two or more, [rows].
    """
    from scipy.optimize import minimize

    x, y = np.asarray(numbers, dtype=np.float64), np.asarray(places, dtype=np.int64)
    counts = np.bincount(y)
    shares = np.cumsum(counts)[:-1] / len(y)
    even = np.log(shares) - np.log1p(-shares)  # thresholds at a slope of 0
    start = np.concatenate([even[:1], np.log(np.diff(even)), [0.0]])
    found = minimize(
        _loss_and_gradient,
        start,
        args=(x, y, counts),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None)] * len(even) + [(0.0, None)],
        options={"maxiter": _MOST_ITERATIONS, "ftol": 0.0, "gtol": _FLATTEST_GRADIENT},
    )
    return ProportionalOdds(float(found.x[-1]), _thresholds(found.x[:-1]))


def _thresholds(lowest_and_gaps: Floats) -> Floats:
    """Returns the thresholds, from the lowest and the logarithm of the gap before each of the others."""
    return np.cumsum(np.concatenate([lowest_and_gaps[:1], np.exp(lowest_and_gaps[1:])]))


def _loss_and_gradient(
    values: Floats, x: Floats, y: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[float, Floats]:
    """Returns the penalized negative log-likelihood, a mean over rows, and its gradient.

    With u and l the arguments above and below a row's place, P = F(u) - F(l) = F(u) F(-l) (1 - exp(l - u)), of which
    the last factor has the gap alone: no difference of nearly equal numbers is taken.
    """
    rows, slope, thresholds, gaps = len(x), values[-1], _thresholds(values[:-1]), np.exp(values[1:-1])
    above = np.append(thresholds, np.inf)[y] - slope * x
    below = np.insert(thresholds, 0, -np.inf)[y] - slope * x
    loss = np.logaddexp(0.0, -above).sum() + np.logaddexp(0.0, below).sum()
    loss += 0.5 * slope**2 - (counts[1:-1] * np.log(-np.expm1(-gaps))).sum()
    by_above, by_below = -_logistic(-above), _logistic(below)
    last = len(thresholds)
    by_threshold = np.bincount(y, by_above, last + 1)[:-1] + np.bincount(y, by_below, last + 1)[1:]
    by_slope = slope - (x * (by_above + by_below)).sum()
    after = np.cumsum(by_threshold[::-1])[::-1]  # a gap moves all thresholds after it
    by_gap = gaps * (after[1:] + counts[1:-1] * np.exp(-gaps) / np.expm1(-gaps))
    return float(loss / rows), np.concatenate([after[:1], by_gap, [by_slope]]) / rows


def _logistic(values: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)), dtype=np.float64)
