"""Records on disk, in buckets by the first byte of their key: equal keys meet, and one bucket is read at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BUCKETS = 256
_BUFFERED_RECORDS = 1 << 16


def starts_of_groups(keys: NDArray[Any]) -> NDArray[np.bool_]:
    """Returns which of some sorted keys differ from the one before, [keys]; the first does."""
    is_first = np.ones(len(keys), dtype=np.bool_)
    is_first[1:] = keys[1:] != keys[:-1]
    return is_first


class Buckets:
    """Records sorted by key, whatever their number.

    Args:
        folder: an existing folder for the buckets; they are removed as they are read.
        record: the type of a record; its first field is ``key``, whose first byte is as good as drawn.
    """

    def __init__(self, folder: Path, record: np.dtype[Any]) -> None:
        self._folder, self._record = folder, record
        self._waiting: list[NDArray[Any]] = []
        self._waiting_records = 0

    def add(self, records: NDArray[Any]) -> None:
        """Adds records, [records]."""
        self._waiting.append(records)
        self._waiting_records += len(records)
        if self._waiting_records >= _BUFFERED_RECORDS:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        records = np.concatenate(self._waiting)
        self._waiting, self._waiting_records = [], 0
        buckets = records.view(np.uint8).reshape(len(records), self._record.itemsize)[:, 0]
        order = np.argsort(buckets, kind="stable")
        records = records[order]
        edges = np.searchsorted(buckets[order], np.arange(_BUCKETS + 1))
        for bucket, (start, stop) in enumerate(pairwise(edges)):
            if stop > start:
                # Opened each time: as many files open at once as buckets is more than some systems allow.
                with self._path(bucket).open("ab") as file:
                    file.write(records[start:stop].tobytes())

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{bucket:03}.keys"

    def read(self) -> Iterator[NDArray[Any]]:
        """Yields the records bucket by bucket, each sorted by key; equal keys in the order in which they were added."""
        self._flush()
        for bucket in range(_BUCKETS):
            path = self._path(bucket)
            if path.exists():
                records = np.fromfile(path, dtype=self._record)
                path.unlink()
                yield records[np.argsort(records["key"], kind="stable")]
