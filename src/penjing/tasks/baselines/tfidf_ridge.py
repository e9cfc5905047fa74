"""The baseline that counts words and draws a line: ridge regression on TF-IDF, for labels in order (scikit-learn)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.data.terms import has_terms
from penjing.tasks.baselines.majority import Majority, fit_majority
from penjing.tasks.baselines.tfidf_logistic import make_vectorizer

_STRENGTHS = (0.3, 1.0, 3.0, 10.0)  # the larger, the more regular
_LEAST_SPREAD = 0.1


@dataclass(frozen=True)
class TfidfRidge:
    """A fitted TF-IDF table and ridge regression of the places of labels.

    Attributes:
        vectorizer: texts → weights of terms.
        regression: weights of terms → a place, from 0, that need not be whole.
        labels: how many there are.
        strength: the penalty that was best on the validation rows.
        spread: standard deviation of the places around what the regression says, on the validation rows.
    """

    vectorizer: Any
    regression: Any
    labels: int
    strength: float
    spread: float

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns the probability of each label for each text, [texts, labels].

        That is what a normal distribution around the place has between half a place below and half a place above the
        label; the first label has all that is lower, the last all that is higher.
        """
        if not len(texts):
            return np.zeros((0, self.labels))
        places = self.regression.predict(self.vectorizer.transform(texts))
        borders = np.arange(self.labels - 1) + 0.5
        below = np.vectorize(NormalDist().cdf)((borders - places[:, None]) / self.spread)
        whole = np.hstack([np.zeros((len(texts), 1)), below.reshape(len(texts), -1), np.ones((len(texts), 1))])
        return np.asarray(np.diff(whole, axis=1), dtype=np.float64)


def fit_tfidf_ridge(
    texts: Sequence[str],
    labels: ArrayLike,
    validation_texts: Sequence[str],
    validation_labels: ArrayLike,
    label_names: Sequence[str],
) -> TfidfRidge | Majority:
    """Fits the baseline; the penalty is the one of a small grid whose squared error on the validation rows is least.

    Terms are those of `penjing.tasks.baselines.tfidf_logistic.fit_tfidf_logistic`. Where there is nothing to learn
    from (a single label, or no words at all) it is the majority baseline.

    Args:
        texts: of the training rows.
        labels: their places, [rows].
        validation_texts: of the validation rows; without any, the penalty is 1, and the training rows are used.
        validation_labels: their places, [validation rows].
        label_names: name of each label, in order.

    Raises:
        DataError: there are no training rows.
    """
    places = np.asarray(labels, dtype=np.float64)
    if len(np.unique(places)) < 2 or not any(map(has_terms, texts)):
        return fit_majority(texts, labels, validation_texts, validation_labels, label_names)
    from sklearn.linear_model import Ridge

    vectorizer = make_vectorizer()
    terms = vectorizer.fit_transform(texts)
    measured, truth = terms, places
    if len(validation_texts):
        measured, truth = vectorizer.transform(validation_texts), np.asarray(validation_labels, dtype=np.float64)
    fitted = []
    for strength in _STRENGTHS if len(validation_texts) else (1.0,):
        regression = Ridge(alpha=strength, solver="sparse_cg", random_state=0).fit(terms, places)
        error = float(np.sqrt(np.mean((regression.predict(measured) - truth) ** 2)))
        fitted.append((error, strength, regression))
    error, strength, regression = min(fitted, key=lambda item: item[:2])
    return TfidfRidge(vectorizer, regression, len(label_names), strength, max(error, _LEAST_SPREAD))
