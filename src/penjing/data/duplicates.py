"""Exact duplicates, found on disk: memory holds one bucket of keys at a time, and a bit a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penjing.data.buckets import Buckets, starts_of_groups
from penjing.data.keys import KEY_BYTES, Keys

_RECORD = np.dtype([("key", f"S{KEY_BYTES}"), ("row", np.int64), ("tag", np.int32)])


class Bits:
    """A bit for each row, all unset at first.

    Args:
        rows: how many.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._bytes = np.zeros((rows + 7) // 8, dtype=np.uint8)

    def set(self, rows: NDArray[np.int64]) -> None:
        """Sets the bits of some rows."""
        np.bitwise_or.at(self._bytes, rows >> 3, np.left_shift(1, rows & 7).astype(np.uint8))

    def clear(self, rows: NDArray[np.int64]) -> None:
        """Unsets the bits of some rows."""
        np.bitwise_and.at(self._bytes, rows >> 3, ~np.left_shift(1, rows & 7).astype(np.uint8))

    def slice(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Returns the bits of the rows from ``start`` up to ``stop``."""
        part = np.unpackbits(self._bytes[start >> 3 : (stop + 7) >> 3], bitorder="little")
        return part[start & 7 : (start & 7) + stop - start].astype(np.bool_)


@dataclass(frozen=True)
class Unique:
    """The rows of one bucket that are not duplicates, in the order of their keys.

    Attributes:
        rows: the first row with each key, [keys].
        tags: its tag, [keys].
        duplicates: how many further rows had one of these keys.
        conflicts: how many of those had another tag than the first.
        texts_in_conflict: how many keys came with more than one tag.
    """

    rows: NDArray[np.int64]
    tags: NDArray[np.int32]
    duplicates: int
    conflicts: int
    texts_in_conflict: int


class DuplicateFinder:
    """Finds rows of equal key, whatever their number.

    Args:
        folder: an existing folder for the buckets; they are removed as they are read.
    """

    def __init__(self, folder: Path) -> None:
        self._buckets = Buckets(folder, _RECORD)
        self.rows = 0

    def add(self, keys: Keys, tags: NDArray[np.int32] | None = None) -> None:
        """Adds the next rows: a key for each and, where it has one, a tag (its label)."""
        records = np.zeros(len(keys), dtype=_RECORD)
        records["key"] = keys
        records["row"] = np.arange(self.rows, self.rows + len(keys))
        if tags is not None:
            records["tag"] = tags
        self.rows += len(keys)
        self._buckets.add(records)

    def unique(self) -> Iterator[Unique]:
        """Yields the rows that are kept, bucket by bucket: over all, in the order of their keys."""
        for records in self._buckets.read():
            # Rows were added in order: the first of equal keys is the first row.
            is_first = starts_of_groups(records["key"])
            group = np.cumsum(is_first) - 1
            first = records[is_first]
            differs = records["tag"] != first["tag"][group]
            yield Unique(
                rows=first["row"],
                tags=first["tag"],
                duplicates=len(records) - len(first),
                conflicts=int(differs.sum()),
                texts_in_conflict=len(np.unique(group[differs])),
            )
