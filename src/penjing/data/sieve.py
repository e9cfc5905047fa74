"""Texts without labels that a model may learn from: not measured on, not learned already, not removed, not twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penjing.data.cleaning import TEXT_SCHEMA
from penjing.data.keys import Keys, KeySet, normalized_keys, text_ids
from penjing.data.measured import index_texts
from penjing.data.reading import iter_texts
from penjing.data.storing import ParquetRows, Spool

TEXTS = "texts.parquet"
_MEASURED = ("validation", "test")


class Sieve:
    """Tells which texts remain, by a key of each.

    A text is left out that is, in its normalized form, one of the validation or test rows, one of the training rows, or
    one that came before; or that contains a validation or test text (`penjing.data.measured`); or whose id is given.

    Args:
        labelled: the folder of the labelled rows, or pairs.
        removed: ids of texts to leave out.
        before: texts that count as duplicates, in batches.

    Attributes:
        counts: texts by why they are left out: ``in_evaluation``, ``containing_evaluation``, ``in_training``,
            ``removed``, and, once `remaining` was called, ``duplicates``.
    """

    def __init__(self, labelled: Path, removed: Iterable[str], before: Iterable[Sequence[str]] = ()) -> None:
        self._measured = index_texts(
            texts for split in _MEASURED for texts in iter_texts(labelled / f"{split}.parquet")
        )
        self._training = KeySet(map(normalized_keys, iter_texts(labelled / "train.parquet")))
        self._before = KeySet(map(normalized_keys, before))
        self._removed = frozenset(removed)
        self._keys: list[Keys] = []
        self._is_free: list[NDArray[np.bool_]] = []
        self.counts = dict.fromkeys(("in_evaluation", "containing_evaluation", "in_training", "removed"), 0)

    def add(self, texts: Sequence[str]) -> None:
        """Takes the next texts."""
        found = self._measured.find(texts)
        is_measured, is_learned = found.is_measured, self._training.contains(found.keys)
        is_removed = np.array(
            [key in self._removed for key in text_ids(texts)] if self._removed else np.zeros(len(texts)), bool
        )
        self.counts["in_evaluation"] += int(found.is_equal.sum())
        self.counts["containing_evaluation"] += int(found.contains.sum())
        self.counts["in_training"] += int((is_learned & ~is_measured).sum())
        self.counts["removed"] += int((is_removed & ~is_measured & ~is_learned).sum())
        self._keys.append(found.keys)
        self._is_free.append(~(is_measured | is_learned | is_removed))

    def remaining(self) -> NDArray[np.int64]:
        """Returns the places of the texts that remain, each text once, in their order."""
        if not self._keys:
            self.counts["duplicates"] = 0
            return np.empty(0, dtype=np.int64)
        keys, is_free = np.concatenate(self._keys), np.concatenate(self._is_free)
        free = np.flatnonzero(is_free)
        new = free[~self._before.contains(keys[free])]
        _, first = np.unique(keys[new], return_index=True)
        self.counts["duplicates"] = len(free) - len(first)
        return new[np.sort(first)]


def write_chosen(out: Path, spool: Spool, places: NDArray[np.int64]) -> None:
    """Writes some texts of a spool as ``texts.parquet``: ``text``, ``id``, ``source``, ``row``.

    Args:
        out: a folder.
        spool: of texts with their origin.
        places: of those that are written.
    """
    start = 0
    places = np.sort(places)
    with ParquetRows(out / TEXTS, TEXT_SCHEMA, ("source",)) as rows:
        for batch in spool.read():
            low, high = np.searchsorted(places, (start, start + batch.num_rows))
            kept = batch.take(pa.array(places[low:high] - start))
            start += batch.num_rows
            ids = pa.array(text_ids(kept.column("text").to_pylist()), pa.string())
            columns = [kept.column("text"), ids, kept.column("source"), kept.column("row")]
            rows.write(pa.record_batch(columns, schema=TEXT_SCHEMA))
