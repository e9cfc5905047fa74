"""A linear head, fitted to vectors that stay as they are: logistic regression (scikit-learn)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.train.settings import HeadSettings

Vectors = NDArray[np.float64]
Classes = NDArray[np.int64]
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
_FEWEST_FOLDS = 2
_MOST_ITERATIONS = 2000
_GRADIENT = 1e-6  # at which fitting ends; at the default, fp32 noise in the vectors would decide the third digit
_SMALLEST = 1e-12  # probability in a logarithm


@dataclass(frozen=True)
class LabelledVectors:
    """What a head is fitted to.

    Attributes:
        vectors: [rows, dim].
        classes: [rows]; each class occurs.
    """

    vectors: Vectors
    classes: Classes

    def take(self, rows: NDArray[np.int64]) -> LabelledVectors:
        """Returns some of the rows."""
        return LabelledVectors(self.vectors[rows], self.classes[rows])


@dataclass(frozen=True)
class LinearHead:
    """Scores of labels as a linear function of a vector: ``vectors @ weight.T + bias``.

    Attributes:
        weight: [labels, dim].
        bias: [labels].
        strength: C, the inverse of how strongly large weights are held back.
        losses: the log loss of each strength that was tried, on rows that it was not fitted to; empty where one was
            given.
    """

    weight: Vectors
    bias: Vectors
    strength: float
    losses: dict[float, float]

    def probabilities(self, vectors: Vectors) -> Vectors:
        """Returns the probability of each label for each vector, [rows, labels]."""
        return self.link(vectors @ self.weight.T + self.bias)

    def link(self, scores: Vectors) -> Vectors:
        """Returns the probability of each label from the scores of all, [rows, labels]."""
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: Vectors = scores / scores.sum(axis=1, keepdims=True)
        return shares


@dataclass(frozen=True)
class Frame:
    """Where vectors lie, and how long they are: in it a strength means the same for every network.

    Attributes:
        center: is taken off them, [dim]; 0 for a head without a bias.
        scale: the root of their mean squared length then.
    """

    center: Vectors
    scale: float

    def place(self, vectors: Vectors) -> Vectors:
        """Returns vectors around 0, of a mean squared length of 1, [rows, dim]."""
        placed: Vectors = (vectors - self.center) / self.scale
        return placed

    def unfold(self, weight: Vectors, bias: Vectors) -> tuple[Vectors, Vectors]:
        """Returns weight [labels, dim] and bias [labels] for the vectors as they were."""
        weight = weight / self.scale
        return weight, bias - weight @ self.center


def frame_of(vectors: Vectors, *, has_bias: bool) -> Frame:
    """Returns the frame of vectors, [rows, dim]."""
    center = vectors.mean(axis=0) if has_bias else np.zeros(vectors.shape[1])
    return Frame(center, float(np.sqrt(np.square(vectors - center).sum(axis=1).mean())) or 1.0)


def choose_strength(lose: Callable[[float], float]) -> tuple[float, dict[float, float]]:
    """Returns the strength of a small grid that loses least, of two that lose the same the smaller, and all losses.

    Args:
        lose: strength → loss on rows that a head of it was not fitted to.
    """
    losses = {strength: lose(strength) for strength in STRENGTHS}
    return min(losses, key=losses.__getitem__), losses


def make_regression(strength: float, *, has_bias: bool) -> Any:
    """Returns scikit-learn's logistic regression, to be fitted to vectors in their frame."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, fit_intercept=has_bias, max_iter=_MOST_ITERATIONS, tol=_GRADIENT)


def fit_head(
    rows: LabelledVectors, settings: HeadSettings, validation: LabelledVectors | None, seed: int, *, has_bias: bool
) -> LinearHead:
    """Fits a head by logistic regression; where no strength is given, the one of a small grid that loses least.

    It is the log loss that decides, on the validation rows or, without any, in cross-validation over the rows
    themselves. Vectors are put around their mean first (not without a bias) and divided by the root of their mean
    squared length, so that a strength means the same for every network; both are folded into the head.

    Args:
        rows: the training rows.
        settings: strength and folds.
        validation: other rows to choose the strength by.
        seed: decides the folds.
        has_bias: whether the head has one.
    """
    if settings.strength is not None:
        return _fit(rows, settings.strength, {}, has_bias=has_bias)
    folds = [(rows, validation)] if validation is not None else list(_split(rows, settings.folds, seed))

    def lose(strength: float) -> float:
        return float(np.mean([_log_loss(_fit(part, strength, {}, has_bias=has_bias), apart) for part, apart in folds]))

    strength, losses = choose_strength(lose)
    return _fit(rows, strength, losses, has_bias=has_bias)


def _split(rows: LabelledVectors, folds: int, seed: int) -> Iterator[tuple[LabelledVectors, LabelledVectors]]:
    """Yields for each fold the rows outside and inside of it; every class is in both."""
    from sklearn.model_selection import StratifiedKFold

    count = max(_FEWEST_FOLDS, min(folds, int(np.bincount(rows.classes).min())))
    for outside, inside in StratifiedKFold(count, shuffle=True, random_state=seed).split(rows.vectors, rows.classes):
        yield rows.take(outside), rows.take(inside)


def _log_loss(head: LinearHead, rows: LabelledVectors) -> float:
    right = head.probabilities(rows.vectors)[np.arange(len(rows.classes)), rows.classes]
    return float(-np.log(np.maximum(right, _SMALLEST)).mean())


def _fit(rows: LabelledVectors, strength: float, losses: dict[float, float], *, has_bias: bool) -> LinearHead:
    frame = frame_of(rows.vectors, has_bias=has_bias)
    fitted = make_regression(strength, has_bias=has_bias)
    fitted.fit(frame.place(rows.vectors), rows.classes)
    weight, bias = frame.unfold(fitted.coef_, np.broadcast_to(fitted.intercept_, len(fitted.coef_)))
    if len(weight) == 1:  # of two classes, scikit-learn tells the difference of their scores
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return LinearHead(weight, bias, strength, losses)
