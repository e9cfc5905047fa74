"""What came of dividing rows: counts of the splits, and of what was left out of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penjing.data.measured import Found
from penjing.data.splitting import SPLITS


@dataclass(frozen=True)
class Divided:
    """What lies in the splits, [splits, …] in the order of `SPLITS`.

    Attributes:
        class_rows: rows of each class, [splits, classes].
        characters: of the texts.
        overlap: rows that were left out because their text is in a split that is measured on.
        containing: rows that were left out because their text contains one that is.
    """

    class_rows: NDArray[np.int64]
    characters: list[int]
    overlap: list[int]
    containing: list[int]

    @classmethod
    def empty(cls, classes: int) -> Divided:
        """Returns what lies there before there is any row."""
        return cls(np.zeros((len(SPLITS), classes), dtype=np.int64), *([0] * len(SPLITS) for _ in range(3)))

    def leave_out(self, split: int, found: Found) -> None:
        """Counts rows of a split that are measured on, or contain what is."""
        self.overlap[split] += int(found.is_equal.sum())
        self.containing[split] += int(found.contains.sum())
