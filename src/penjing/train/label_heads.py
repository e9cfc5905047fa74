"""A linear head that scores each label by itself, fitted to vectors that stay as they are: a regression a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penjing.train.linear_head import LinearHead, Vectors, choose_strength, frame_of, make_regression
from penjing.train.settings import HeadSettings

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class FlaggedVectors:
    """What a head is fitted to whose labels exclude none of the others.

    Attributes:
        vectors: [rows, dim].
        flags: whether each label applies, [rows, labels].
    """

    vectors: Vectors
    flags: Flags


@dataclass(frozen=True)
class LabelHeads(LinearHead):
    """Scores of labels as a linear function of a vector, each of which says by itself how probable its label is."""

    def link(self, scores: Vectors) -> Vectors:
        """Returns the probability of each label from its score, [rows, labels]: the logistic function."""
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)), dtype=np.float64)


def fit_label_heads(
    rows: FlaggedVectors, settings: HeadSettings, validation: FlaggedVectors | None, *, has_bias: bool
) -> LabelHeads:
    """Fits a logistic regression for each label, one against the rest (binary relevance, Zhang & Zhou 2014, sec. III).

    Where no strength is given, it is the one of a small grid with the least binary cross-entropy on the validation
    rows, the mean over rows and labels: one for all labels, for a rare label has too few rows to choose by. Vectors are
    put in their frame as `penjing.train.linear_head.fit_head` does.

    A regression cannot be fitted to a label that every row has, or none. One more row is added for such a label, at the
    mean of the vectors (without a bias: at 0), with the other answer. With a bias the label then has the same
    probability for every vector: 1 in so many as there are rows and one, or that less than 1. Without one the added row
    changes nothing, and what holds the weights back keeps them finite.

    Args:
        rows: the training rows.
        settings: the strength.
        validation: other rows to choose the strength by; None only where it is given.
        has_bias: whether the head has one.
    """
    if settings.strength is not None:
        return _fit(rows, settings.strength, {}, has_bias=has_bias)
    assert validation is not None

    def lose(strength: float) -> float:
        return _cross_entropy(_fit(rows, strength, {}, has_bias=has_bias), validation)

    strength, losses = choose_strength(lose)
    return _fit(rows, strength, losses, has_bias=has_bias)


def _cross_entropy(heads: LabelHeads, rows: FlaggedVectors) -> float:
    scores = rows.vectors @ heads.weight.T + heads.bias
    return float((np.logaddexp(0.0, scores) - scores * rows.flags).mean())


def _fit(rows: FlaggedVectors, strength: float, losses: dict[float, float], *, has_bias: bool) -> LabelHeads:
    frame = frame_of(rows.vectors, has_bias=has_bias)
    placed = frame.place(rows.vectors)
    fitted = [_fit_label(placed, flags, strength, has_bias=has_bias) for flags in rows.flags.T]
    weights, biases = zip(*fitted, strict=True)
    weight, bias = frame.unfold(np.array(weights), np.array(biases))
    return LabelHeads(weight, bias, strength, losses)


def _fit_label(placed: Vectors, flags: Flags, strength: float, *, has_bias: bool) -> tuple[Vectors, float]:
    """Returns weight [dim] and bias of one label, for vectors in their frame."""
    if flags.all() or not flags.any():
        placed, flags = np.vstack([placed, np.zeros(placed.shape[1])]), np.append(flags, not flags[0])
    fitted = make_regression(strength, has_bias=has_bias).fit(placed, flags)
    return fitted.coef_[0], float(np.broadcast_to(fitted.intercept_, 1)[0])
