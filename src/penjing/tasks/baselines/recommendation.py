"""Baselines of recommendation: most popular, items that go together, items whose texts are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.data.histories import Catalog, Numbers
from penjing.data.terms import list_single_terms

Scores = NDArray[np.float64]
_NEIGHBORS = 100


class Popular:
    """Scores items by their training events (Cremonesi et al. 2010).

    Args:
        counts: of each item, [items].
    """

    def __init__(self, counts: Numbers) -> None:
        self._counts = counts.astype(np.float64)

    def rank(self, histories: Sequence[Numbers]) -> Scores:
        """Returns the score of each item for each history, [histories, items]."""
        return np.repeat(self._counts[None], len(histories), axis=0)


class ItemNeighbors:
    """Scores an item by how often those of the history went with it (Sarwar et al. 2001, section 3.1.1).

    The likeness of two items is the cosine of the vectors of who had them; each item keeps its 100 nearest.

    Args:
        training: items of each user, by number from 1, [users][items].
        items: how many there are.
    """

    def __init__(self, training: Sequence[Numbers], items: int) -> None:
        from scipy import sparse

        had = _incidence(training, items)  # [users, items]
        lengths = np.sqrt(np.asarray(had.sum(axis=0)).ravel())
        scaled = had @ sparse.diags(1.0 / np.maximum(lengths, 1e-12))
        self._items, self._likeness = items, _nearest((scaled.T @ scaled).tocsr())

    def rank(self, histories: Sequence[Numbers]) -> Scores:
        """Returns the score of each item for each history, [histories, items]."""
        return np.asarray((_incidence(histories, self._items) @ self._likeness).todense())


class LastText:
    """Scores an item by how like its text is to that of the history's last item: the cosine of TF-IDF vectors.

    Counted are words, and characters in a row where the script has no spaces. Where no text has any, all items score 0.

    Args:
        read: texts of the items of histories.
        ranked: texts of the items that are scored; perhaps the same.
    """

    def __init__(self, read: Sequence[str], ranked: Sequence[str]) -> None:
        self._items, self._vectors = len(ranked), _weigh_terms(read, ranked)

    def rank(self, histories: Sequence[Numbers]) -> Scores:
        """Returns the score of each item for each history, [histories, items]."""
        if self._vectors is None:
            return np.zeros((len(histories), self._items))
        read, ranked = self._vectors
        last = np.array([history[-1] - 1 for history in histories])
        return np.asarray((read[last] @ ranked.T).todense())


def fit_popular(training: Sequence[Numbers], catalog: Catalog) -> Popular:
    """Returns the ranking of all items by popularity."""
    return Popular(np.bincount(np.concatenate(training), minlength=len(catalog.ids) + 1)[1:])


def fit_item_neighbors(training: Sequence[Numbers], catalog: Catalog) -> ItemNeighbors:
    """Returns a ranker by what goes together."""
    return ItemNeighbors(training, len(catalog.ids))


def fit_last_text(training: Sequence[Numbers], catalog: Catalog) -> LastText:
    """Returns a ranker by what reads alike."""
    return LastText(catalog.texts, catalog.texts)


def _incidence(histories: Sequence[Numbers], items: int) -> Any:
    """Returns who had what, [histories, items]."""
    from scipy import sparse

    lengths = [len(history) for history in histories]
    columns = np.concatenate(histories) - 1
    rows = np.repeat(np.arange(len(histories)), lengths)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(histories), items))


def _weigh_terms(read: Sequence[str], ranked: Sequence[str]) -> tuple[Any, Any] | None:
    """Returns the TF-IDF vectors of both, by the texts of the first; None where no text of those has a term."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(map(list_single_terms, read)):
        return None
    vectorizer = TfidfVectorizer(analyzer=list_single_terms, sublinear_tf=True)
    return vectorizer.fit_transform(read), vectorizer.transform(ranked)


def _nearest(likeness: Any) -> Any:
    """Returns the matrix with the largest entries of each row, without the diagonal."""
    likeness.setdiag(0.0)
    for row in range(likeness.shape[0]):
        part = slice(likeness.indptr[row], likeness.indptr[row + 1])
        values = likeness.data[part]
        if len(values) > _NEIGHBORS:
            values[np.argpartition(-values, _NEIGHBORS)[_NEIGHBORS:]] = 0.0
    likeness.eliminate_zeros()
    return likeness
