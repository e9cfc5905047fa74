"""The baseline that counts words: logistic regression on TF-IDF of word and character n-grams (scikit-learn)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.data.terms import has_terms, list_terms
from penjing.tasks.baselines.majority import Majority, fit_majority

_STRENGTHS = (1.0, 4.0, 16.0, 64.0)  # C: the smaller, the more regular
_MOST_TERMS = 500_000
_MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class TfidfLogistic:
    """A fitted TF-IDF table and logistic regression.

    Attributes:
        vectorizer: texts → weights of terms.
        classifier: weights of terms → probabilities of the labels it has seen.
        labels: how many there are, seen or not.
        strength: the C that was best on the validation rows.
    """

    vectorizer: Any
    classifier: Any
    labels: int
    strength: float

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns the probability of each label for each text, [texts, labels]; 0 for labels never seen."""
        result = np.zeros((len(texts), self.labels))
        if len(texts):
            result[:, self.classifier.classes_] = self.classifier.predict_proba(self.vectorizer.transform(texts))
        return result


def fit_tfidf_logistic(
    texts: Sequence[str],
    labels: ArrayLike,
    validation_texts: Sequence[str],
    validation_labels: ArrayLike,
    label_names: Sequence[str],
) -> TfidfLogistic | Majority:
    """Fits the baseline; the regularization is the one of a small grid that is best on the validation rows.

    Terms are lower-case words of two letters or more and their pairs, and one to three characters in a row where the
    script has no spaces (Chinese, Japanese); counts enter as 1 + log. The result is the same on every run. Where
    there is nothing to learn from (a single label, or no words at all) it is the majority baseline.

    Args:
        texts: of the training rows.
        labels: their classes, [rows].
        validation_texts: of the validation rows; without any, C is 1.
        validation_labels: their classes, [validation rows].
        label_names: name of each class.

    Raises:
        DataError: there are no training rows.
    """
    classes = np.asarray(labels, dtype=np.int64)
    if len(np.unique(classes)) < 2 or not any(map(has_terms, texts)):
        return fit_majority(texts, labels, validation_texts, validation_labels, label_names)
    from sklearn.linear_model import LogisticRegression

    vectorizer = make_vectorizer()
    terms = vectorizer.fit_transform(texts)
    if not len(validation_texts):
        classifier = LogisticRegression(C=1.0, max_iter=_MOST_ITERATIONS).fit(terms, classes)
        return TfidfLogistic(vectorizer, classifier, len(label_names), 1.0)
    validation, truth = vectorizer.transform(validation_texts), np.asarray(validation_labels, dtype=np.int64)
    best, best_accuracy = None, -1.0
    for strength in _STRENGTHS:
        classifier = LogisticRegression(C=strength, max_iter=_MOST_ITERATIONS).fit(terms, classes)
        accuracy = float(np.mean(classifier.predict(validation) == truth))
        if best is None or accuracy > best_accuracy:
            best = TfidfLogistic(vectorizer, classifier, len(label_names), strength)
            best_accuracy = accuracy
    assert best is not None
    return best


def make_vectorizer() -> Any:
    """Returns what turns texts into weights of terms, for all baselines that count words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer=list_terms, sublinear_tf=True, max_features=_MOST_TERMS)
