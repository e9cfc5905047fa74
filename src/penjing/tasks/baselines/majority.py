"""The baseline that has not read the text: always the most frequent label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from penjing.errors import DataError


@dataclass(frozen=True)
class Majority:
    """Gives every text the shares that the labels have among the training rows.

    Attributes:
        shares: of each label, [labels].
    """

    shares: NDArray[np.float64]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Returns the probability of each label for each text, [texts, labels]."""
        return np.tile(self.shares, (len(texts), 1))


def fit_majority(
    texts: Sequence[str],
    labels: ArrayLike,
    validation_texts: Sequence[str],
    validation_labels: ArrayLike,
    label_names: Sequence[str],
) -> Majority:
    """Counts the labels of the training rows; the texts and the validation rows are not looked at.

    Args:
        texts: of the training rows.
        labels: their classes, [rows].
        validation_texts: of the validation rows.
        validation_labels: their classes, [validation rows].
        label_names: name of each class.

    Raises:
        DataError: there are no training rows.
    """
    classes = np.asarray(labels, dtype=np.int64)
    if not len(classes):
        raise DataError("there are no training rows for the baseline", do="Give at least one labelled row.")
    return Majority(np.bincount(classes, minlength=len(label_names)) / len(classes))
