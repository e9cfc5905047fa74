"""The cheap model behind the checks and the questions: logistic regression on TF-IDF of words and characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from penjing.data.keys import normalized_keys
from penjing.data.terms import has_terms, list_terms

#: Fewer texts than these of a label teach the folds nothing.
FOLDS = 5

_MOST_TERMS = 200_000
_STRENGTH = 4.0  # C of the logistic regression
_DOUBTING_STRENGTH = 8.0  # surer probabilities tell wrong labels better from hard texts
_MOST_ITERATIONS = 300

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def weigh_terms(texts: Sequence[str], most_terms: int = _MOST_TERMS) -> csr_matrix | None:
    """Returns the TF-IDF weights of texts' terms, [texts, terms]; None where no text has a term.

    Terms are those of the baseline in every report (`penjing.data.terms.list_terms`) that at least two texts have, or
    all of them where none is shared; counts enter as 1 + log.

    Args:
        texts: [texts].
        most_terms: only the most frequent ones count.
    """
    if not any(map(has_terms, texts)):
        return None
    from sklearn.feature_extraction.text import TfidfVectorizer

    def weigh(fewest: int) -> csr_matrix:
        vectorizer = TfidfVectorizer(
            analyzer=list_terms, sublinear_tf=True, min_df=fewest, max_features=most_terms, dtype=np.float64
        )
        return csr_matrix(vectorizer.fit_transform(texts))

    try:
        return weigh(2)
    except ValueError:  # no term is in two texts
        return weigh(1)


def fit_classes(weights: csr_matrix, classes: Ints, *, strength: float = _STRENGTH, is_balanced: bool = False) -> Any:
    """Returns a logistic regression on texts.

    Args:
        weights: of terms or other features, [rows, features].
        classes: two at least, [rows].
        strength: how closely it follows the rows, scikit-learn's C.
        is_balanced: whether every class weighs the same, however many rows it has.
    """
    from sklearn.linear_model import LogisticRegression

    weight = "balanced" if is_balanced else None
    return LogisticRegression(C=strength, max_iter=_MOST_ITERATIONS, class_weight=weight).fit(weights, classes)


def class_probabilities(model: Any, weights: csr_matrix, classes: int) -> Floats:
    """Returns the probability of each class, [rows, classes]; 0 for those the model has not seen."""
    found = np.zeros((weights.shape[0], classes))
    found[:, model.classes_] = model.predict_proba(weights)
    return found


def draw_folds(texts: Sequence[str], classes: Ints) -> Ints:
    """Returns the fold of each text, [texts], of FOLDS.

    Texts that differ only in form share a fold, for one of them would tell the other's label; each fold has about its
    share of every class. The order of the texts does not matter: they are dealt by their keys, which are hashes.
    """
    keys = normalized_keys(texts)
    unique, first, place = np.unique(keys, return_index=True, return_inverse=True)
    order = np.lexsort((np.arange(len(unique)), classes[first]))
    folds = np.empty(len(unique), dtype=np.int64)
    folds[order] = np.arange(len(unique)) % FOLDS
    return folds[place]


def out_of_fold_probabilities(weights: csr_matrix, classes: Ints, folds: Ints, labels: int) -> Floats:
    """Returns the probability of each class for each row, by a model that has not seen the row, [rows, labels].

    Args:
        weights: of the rows' terms, [rows, terms].
        classes: of the rows, [rows].
        folds: of the rows, [rows].
        labels: how many classes there are.
    """
    found = np.zeros((len(classes), labels))
    for fold in range(FOLDS):
        held = folds == fold
        if held.any():
            model = fit_classes(weights[~held], classes[~held], strength=_DOUBTING_STRENGTH)
            found[held] = class_probabilities(model, weights[held], labels)
    return found
