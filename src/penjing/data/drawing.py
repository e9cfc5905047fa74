"""A few rows of each class, drawn from rows that come one batch after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class FewDrawer:
    """Draws so many rows of each class, every choice equally likely, in one pass.

    Each row gets a random number as it comes, and of each class those with the smallest are kept; memory holds them
    alone. So a draw of fewer rows is a part of a draw of more by the same seed, and batches of another size change
    nothing.

    Args:
        per_class: rows of each class.
        seed: the same seed and the same rows give the same draw.
    """

    def __init__(self, per_class: int, seed: int) -> None:
        self._per_class = per_class
        self._random = np.random.default_rng(seed)
        self._kept: dict[int, tuple[NDArray[np.float64], NDArray[np.int64]]] = {}
        self._seen: dict[int, int] = {}

    def add(self, classes: NDArray[np.int32], rows: NDArray[np.int64]) -> None:
        """Takes the next rows.

        Args:
            classes: the class of each, [rows].
            rows: the number by which each is returned, [rows].
        """
        numbers = self._random.random(len(rows))
        for number in np.unique(classes).tolist():
            own = classes == number
            self._seen[number] = self._seen.get(number, 0) + int(own.sum())
            keys, places = self._kept.get(number, (np.empty(0), np.empty(0, dtype=np.int64)))
            keys, places = np.concatenate([keys, numbers[own]]), np.concatenate([places, rows[own]])
            smallest = np.argsort(keys, kind="stable")[: self._per_class]
            self._kept[number] = keys[smallest], places[smallest]

    def seen(self, classes: int) -> list[int]:
        """Returns how many rows of each class there were to draw from, [classes]."""
        return [self._seen.get(number, 0) for number in range(classes)]

    def drawn(self) -> NDArray[np.int64]:
        """Returns the numbers of the rows that were drawn, sorted; all of a class that has not enough."""
        return np.sort(np.concatenate([places for _, places in self._kept.values()]))
