"""The baseline of several labels that has not read the text: always the most frequent set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.errors import DataError


@dataclass(frozen=True)
class FrequentSet:
    """Gives every text the same labels.

    Attributes:
        members: 1 for those labels, 0 for others, [labels].
    """

    members: NDArray[np.float64]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns 1 or 0 for each label and text, [texts, labels]."""
        return np.tile(self.members, (len(texts), 1))


def fit_frequent_set(texts: Sequence[str], truth: ArrayLike) -> FrequentSet:
    """Finds the set of labels that most training rows have; of several, the one with the fewest labels.

    Args:
        texts: of the training rows; they are not looked at.
        truth: whether each label applies, [rows, labels].

    Raises:
        DataError: there are no training rows.
    """
    rows = np.asarray(truth, dtype=np.bool_)
    if not len(rows):
        raise DataError("there are no training rows for the baseline", do="Give at least one labelled row.")
    sets, counts = np.unique(rows, axis=0, return_counts=True)
    best = min(range(len(sets)), key=lambda number: (-counts[number], int(sets[number].sum())))
    return FrequentSet(sets[best].astype(np.float64))
