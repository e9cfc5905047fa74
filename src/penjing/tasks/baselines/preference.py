"""Baselines for preferences: the longer answer, and the one whose words were preferred in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.data.terms import has_terms
from penjing.tasks.baselines.tfidf_logistic import make_vectorizer

_MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class Longer:
    """Prefers the answer of more characters."""

    def prefer(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        """Returns how many characters more the first answer of each pair has."""
        return np.array([len(a) - len(b) for a, b in zip(first, second, strict=True)], dtype=np.float64)


def fit_longer(chosen: Sequence[str], rejected: Sequence[str]) -> Longer:
    """Returns the baseline of lengths; the training rows are not looked at."""
    return Longer()


@dataclass(frozen=True)
class TfidfDifference:
    """A weight for each term: the model of paired comparisons (Bradley & Terry 1952) over TF-IDF.

    Attributes:
        vectorizer: texts → weights of terms.
        weights: of the terms, [terms].
    """

    vectorizer: Any
    weights: NDArray[np.float64]

    def prefer(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        """Returns the log-odds that the first answer of each pair is preferred."""
        difference = self.vectorizer.transform(first) - self.vectorizer.transform(second)
        return np.asarray(difference @ self.weights, dtype=np.float64)


def fit_tfidf_difference(chosen: Sequence[str], rejected: Sequence[str]) -> TfidfDifference | Longer:
    """Fits a logistic regression, C = 1, to the differences of both answers' TF-IDF, each in both directions.

    Terms are as in `penjing.tasks.baselines.tfidf_logistic`. Where no answer has any, it is the baseline of lengths.
    """
    from scipy.sparse import vstack
    from sklearn.linear_model import LogisticRegression

    if not any(map(has_terms, [*chosen, *rejected])):
        return Longer()
    vectorizer = make_vectorizer()
    vectorizer.fit([*chosen, *rejected])
    difference = vectorizer.transform(chosen) - vectorizer.transform(rejected)
    classifier = LogisticRegression(max_iter=_MOST_ITERATIONS, fit_intercept=False)
    classifier.fit(vstack([difference, -difference]), np.repeat([1, 0], len(chosen)))
    return TfidfDifference(vectorizer, classifier.coef_[0])
