"""The baseline of several labels that counts words: a logistic regression on TF-IDF for each label (scikit-learn)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.data.terms import has_terms
from penjing.errors import DataError
from penjing.tasks.baselines.tfidf_logistic import make_vectorizer

_STRENGTH = 16.0  # C; the threshold, which is chosen on the validation rows, makes up for what another would change
_MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class TfidfEach:
    """A fitted TF-IDF table, and what each label is guessed by.

    Attributes:
        vectorizer: texts → weights of terms; None where the training texts have none.
        classifiers: of each label; a number where all training rows have it or none has: its share of them.
    """

    vectorizer: Any
    classifiers: tuple[Any, ...]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns the probability of each label for each text, [texts, labels]."""
        result = np.zeros((len(texts), len(self.classifiers)))
        if not len(texts):
            return result
        terms = None if self.vectorizer is None else self.vectorizer.transform(texts)
        for number, classifier in enumerate(self.classifiers):
            is_share = isinstance(classifier, float)
            result[:, number] = classifier if is_share else classifier.predict_proba(terms)[:, 1]
        return result


def fit_tfidf_each(texts: Sequence[str], truth: ArrayLike) -> TfidfEach:
    """Fits the baseline; terms are those of `penjing.tasks.baselines.tfidf_logistic.fit_tfidf_logistic`.

    Args:
        texts: of the training rows.
        truth: whether each label applies, [rows, labels].

    Raises:
        DataError: there are no training rows.
    """
    rows = np.asarray(truth, dtype=np.bool_)
    if not len(rows):
        raise DataError("there are no training rows for the baseline", do="Give at least one labelled row.")
    if not any(map(has_terms, texts)):
        return TfidfEach(None, tuple(float(share) for share in rows.mean(axis=0)))
    from sklearn.linear_model import LogisticRegression

    vectorizer = make_vectorizer()
    terms = vectorizer.fit_transform(texts)
    classifiers = tuple(
        float(rows[0, number])
        if rows[:, number].all() or not rows[:, number].any()
        else LogisticRegression(C=_STRENGTH, max_iter=_MOST_ITERATIONS).fit(terms, rows[:, number])
        for number in range(rows.shape[1])
    )
    return TfidfEach(vectorizer, classifiers)
