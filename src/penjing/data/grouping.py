"""Groups of rows that belong together, such as several answers to one prompt: they are drawn into one split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from penjing.data.keys import KEY_BYTES, Keys
from penjing.data.splitting import SPLITS, SplitDrawer, split_quotas


def number_groups(parts: Iterable[Keys], most: int | None = None) -> NDArray[np.int64]:
    """Returns the number of the group of each row, [rows]; groups count from 0, as they first come.

    Args:
        parts: the keys of the rows, in batches; rows with the same key are one group.
        most: rows of a group; of a larger one, and of one that has more than a quarter of all rows, each is a group by
            itself. None: groups are of any size.
    """
    keys = np.concatenate([np.empty(0, dtype=f"S{KEY_BYTES}"), *parts])
    _, places, counts = np.unique(keys, return_inverse=True, return_counts=True)
    if most is not None:
        is_large = counts[places] > min(most, max(1, len(keys) // 4))
        places = np.where(is_large, len(counts) + np.arange(len(keys)), places)
    _, first, places = np.unique(places, return_index=True, return_inverse=True)
    numbers = np.empty(len(first), dtype=np.int64)
    numbers[np.argsort(first)] = np.arange(len(first))
    return numbers[places]


def count_groups(numbers: NDArray[np.int64]) -> int:
    """Returns how many groups `number_groups` found."""
    return int(numbers.max(initial=-1)) + 1


def describe_groups(numbers: NDArray[np.int64] | None) -> str:
    """Returns of how many texts some rows are, to be added to where they lie; nothing where none comes twice."""
    if numbers is None or count_groups(numbers) == len(numbers):
        return ""
    texts = count_groups(numbers)
    return f", whose {len(numbers):,} rows are of {texts:,} text{'s' * (texts > 1)}"


def draw_groups(numbers: NDArray[np.int64], shares: Sequence[Fraction], seed: int) -> NDArray[np.int8]:
    """Returns the split of each row, [rows]: one for all rows of a group, and of the groups each split has its share.

    Rows are drawn as if each went by itself. Where that has put a group into one split it stays there; the others are
    drawn again, as groups. So rows that are in no group with others are where they were without groups, unless a split
    would have no group: then all are drawn again. A group of more
    rows than validation or test have by their share, and of more than twice as many as groups have on average, is
    learned from: there it would stand for all others.

    Args:
        numbers: of the group of each row, from `number_groups`.
        shares: of training, validation and test; they sum to 1.
        seed: the same seed and the same groups give the same splits.
    """
    quota = split_quotas([len(numbers)], shares)
    of_rows = SplitDrawer(quota, seed)
    groups, splits = count_groups(numbers), np.fromiter((of_rows.draw(0) for _ in numbers), np.int8, len(numbers))
    counts = np.zeros((groups, len(shares)), dtype=np.int64)
    np.add.at(counts, (numbers, splits), 1)
    found: NDArray[np.int8] = counts.argmax(axis=1).astype(np.int8)
    sizes = counts.sum(axis=1)
    is_large = (sizes > max(quota[0][1:])) & (sizes > 2 * sizes.mean())
    found[is_large] = SPLITS.index("train")
    is_apart = ((counts > 0).sum(axis=1) > 1) & ~is_large
    wanted = np.array(split_quotas([groups], shares)[0])
    drawn = _draw_again(found, is_apart, wanted, seed + 1)
    if np.any((wanted > 0) & (np.bincount(drawn, minlength=len(shares)) == 0)):
        drawn = _draw_again(found, ~is_large, wanted, seed + 1)
    of_row: NDArray[np.int8] = drawn[numbers]
    return of_row


def _draw_again(
    found: NDArray[np.int8], again: NDArray[np.bool_], wanted: NDArray[np.int64], seed: int
) -> NDArray[np.int8]:
    """Returns the split of each group, [groups]: as found, those that are drawn again filling up what is wanted."""
    left = np.maximum(wanted - np.bincount(found[~again], minlength=len(wanted)), 0)
    drawer, drawn = SplitDrawer([left.tolist()], seed), found.copy()
    drawn[again] = [drawer.draw(0) for _ in range(int(again.sum()))]
    return drawn
