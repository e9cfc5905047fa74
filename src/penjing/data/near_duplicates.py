"""Near duplicates: texts of which almost all is the same, found on disk by MinHash with banding.

Signatures (Broder 1997) are cut into bands; texts that agree in a whole band meet in a bucket (Leskovec, Rajaraman &
Ullman 2020, Mining of Massive Datasets, section 3.4), and each whose whole signature is enough like that of the first
one there is joined to it. Memory holds one bucket of 256, and some numbers of eight bytes for each text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from penjing.data.buckets import Buckets, starts_of_groups
from penjing.data.minhash import SIGNATURE, check_daft, sign_rest, sign_texts
from penjing.progress import Progress, stop_if_asked

_RECORD = np.dtype([("key", np.uint64), ("row", np.int64)])
_COMPARED_AT_ONCE = 1 << 14
_FOUND_AT_LEAST = 0.8  # chance to meet, of two texts exactly as alike as is asked for; more alike ones meet more surely


def band_rows(similarity: float) -> int:
    """Returns how many numbers of a signature make a band, where texts so alike shall meet.

    Two texts of similarity s agree in all r numbers of one of b bands with the probability 1 - (1 - s^r)^b.
    """
    fitting = [
        rows for rows in (1, 2, 4, 8, 16, 32) if 1 - (1 - similarity**rows) ** (SIGNATURE // rows) >= _FOUND_AT_LEAST
    ]
    return max(fitting, default=1)


class NearDuplicateFinder:
    """Finds texts that are alike, whatever their number.

    Args:
        folder: an existing folder for signatures and buckets.
        similarity: from which on two texts are near duplicates, above 0 to 1: that of their runs of five words, or of
            five characters in scripts without spaces, as `sign_texts` estimates it.

    Raises:
        MissingExtraError: Daft is not installed.
    """

    def __init__(self, folder: Path, similarity: float) -> None:
        check_daft()
        self._similarity = similarity
        self._bands = SIGNATURE // band_rows(similarity)
        self._signatures = folder / "signatures"
        self._buckets = Buckets(folder, _RECORD)
        self.rows = 0
        # Fixed odd factors: what comes of the same texts is the same everywhere.
        draw = np.random.Generator(np.random.Philox(0))
        factors = draw.integers(1, 1 << 63, SIGNATURE, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        self._factors = factors.reshape(self._bands, -1)

    def add(self, texts: Sequence[str], signatures: pa.Array | None = None) -> None:
        """Adds the next texts.

        Args:
            texts: some thousands at once; each call takes 5 ms beside its work where one has to be signed.
            signatures: their column `penjing.data.minhash.SIGNATURES`; None: none is made yet.
        """
        numbers = sign_texts(texts) if signatures is None else sign_rest(texts, signatures)
        with self._signatures.open("ab") as file:
            file.write(numbers.tobytes())
        # A band's key: its numbers times factors of their own, summed modulo 2^64, the halves folded.
        bands = numbers.reshape(len(numbers), *self._factors.shape).astype(np.uint64)
        keys = np.einsum("tbn,bn->tb", bands, self._factors)
        records = np.empty(keys.shape, dtype=_RECORD)
        records["key"] = keys ^ (keys >> np.uint64(32))
        records["row"] = np.arange(self.rows, self.rows + len(numbers))[:, None]
        self.rows += len(numbers)
        self._buckets.add(records.ravel())

    def find(self, progress: Progress) -> NDArray[np.int64]:
        """Returns for each text the first one that it is a near duplicate of, itself where there is none, [texts].

        Likeness is passed on: where a and b are alike, and b and c, all three have the same first one.

        Raises:
            Interrupted: the user asked to stop.
        """
        groups = _Groups(self.rows)
        if not self.rows:
            return groups.first_of_each()
        signatures = np.memmap(self._signatures, np.uint32, "r", shape=(self.rows, SIGNATURE))
        for records in self._buckets.read():
            stop_if_asked(progress)
            is_first = starts_of_groups(records["key"])
            first = records["row"][is_first][np.cumsum(is_first) - 1]
            for start in range(0, len(records), _COMPARED_AT_ONCE):
                part = slice(start, start + _COMPARED_AT_ONCE)
                ones, others = first[part], records["row"][part]
                apart = groups.first(ones) != groups.first(others)
                ones, others = ones[apart], others[apart]
                alike = (signatures[ones] == signatures[others]).mean(axis=1) >= self._similarity
                groups.join(ones[alike], others[alike])
        return groups.first_of_each()


class _Groups:
    """Rows that belong together; each group is known by its first row.

    Args:
        rows: how many.
    """

    def __init__(self, rows: int) -> None:
        self._before = np.arange(rows)  # a row of the same group, nearer to its first one, or the first one itself

    def first(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the first row of each row's group."""
        found = self._before[rows]
        while not np.array_equal(next_found := self._before[found], found):
            found = next_found
        return found

    def join(self, ones: NDArray[np.int64], others: NDArray[np.int64]) -> None:
        """Makes one group of those of ``ones[i]`` and ``others[i]``, for every i."""
        if not len(ones):
            return
        ones, others = self.first(ones), self.first(others)
        heads, places = np.unique(np.concatenate([ones, others]), return_inverse=True)
        edges = coo_array(
            (np.ones(len(ones), dtype=np.bool_), (places[: len(ones)], places[len(ones) :])), (len(heads),) * 2
        )
        _, group = connected_components(edges, directed=False)
        _, first = np.unique(group, return_index=True)  # heads are sorted: the first place of a group is its first row
        self._before[heads] = heads[first][group]

    def first_of_each(self) -> NDArray[np.int64]:
        """Returns the first row of each row's group, [rows]."""
        return self.first(np.arange(len(self._before)))
