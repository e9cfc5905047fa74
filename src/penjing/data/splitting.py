"""Stratified splits: exact shares of every label, drawn in one pass with memory for the labels only."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

SPLITS = ("train", "validation", "test")


def split_quotas(rows: Sequence[int], shares: Sequence[Fraction]) -> list[list[int]]:
    """Returns how many rows of each label go to each split, [labels][splits].

    Validation and test get their share to the nearest row, a half rounded up; training gets the rest.

    Args:
        rows: how many rows each label has.
        shares: of training, validation and test; they sum to 1.
    """
    quotas = []
    for count in rows:
        validation, test = (int(count * share + Fraction(1, 2)) for share in shares[1:])
        test = min(test, count - validation)
        quotas.append([count - validation - test, validation, test])
    return quotas


class SplitDrawer:
    """Draws a split for one row after another, so that every quota is met exactly and every choice is equally likely.

    Selection sampling (Knuth, The Art of Computer Programming, vol. 2, 3.4.2, algorithm S), with three outcomes in
    place of two: a row goes to a split with the probability of that split's share of what is still to be placed.

    Args:
        quotas: rows of each label for each split, [labels][splits].
        seed: the same seed and the same rows give the same splits.
    """

    def __init__(self, quotas: Sequence[Sequence[int]], seed: int) -> None:
        self._left = [list(quota) for quota in quotas]
        self._random = random.Random(seed)

    def draw(self, label: int) -> int:
        """Returns the split of the next row, whose label is given."""
        left = self._left[label]
        total = sum(left)
        if not total:
            raise ValueError(f"more rows of label {label} are drawn than its quotas hold")
        # `random()` alone is promised to stay the same over Python's versions; its product can round up to `total`.
        place = min(int(self._random.random() * total), total - 1)
        split = 0
        while place >= left[split]:
            place -= left[split]
            split += 1
        left[split] -= 1
        return split
