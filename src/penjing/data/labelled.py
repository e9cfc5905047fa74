"""Labelled texts: read, checked, without duplicates, split, and without what evaluation would find in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penjing.data.checks import check_counts, check_label_count, check_labels
from penjing.data.dividing import Divided, Division, files_by_split, has_test
from penjing.data.duplicates import Unique
from penjing.data.keys import Keys, exact_keys
from penjing.data.rows import RowRules, TextRows
from penjing.data.settings import LabelledData
from penjing.data.splitting import SPLITS
from penjing.progress import Progress

TABLE_SCHEMA = pa.schema([("text", pa.string()), ("label", pa.string()), ("source", pa.string()), ("row", pa.int64())])


def build_labelled(settings: LabelledData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``train.parquet``, ``validation.parquet``, ``test.parquet`` and ``counts.json``.

    Duplicates are dropped within each group of files, the first kept. A training row whose normalized text occurs in
    validation or test is removed, and a validation row whose normalized text occurs in test.

    Args:
        settings: where the rows are and what they look like.
        seed: decides the split.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a row cannot be used, or there are too few.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    return _Build(settings, seed, out, progress).run()


class _Build(Division):
    """The classes are the labels."""

    kept_columns: ClassVar = [("text", pa.string()), ("label", pa.int32())]
    table: ClassVar = TABLE_SCHEMA
    repeated: ClassVar = ("label", "source")

    def __init__(self, settings: LabelledData, seed: int, out: Path, progress: Progress) -> None:
        rules = RowRules(
            text=settings.text,
            label=settings.label,
            where=settings.where,
            labels=settings.labels,
            empty_text=settings.empty_text,
            layout=settings.layout,
        )
        files = files_by_split(settings)
        super().__init__(settings, rules, files, seed, out, progress)
        given = settings.labels.values() if isinstance(settings.labels, dict) else settings.labels or ()
        self._label_ids: dict[str, int] = {name: index for index, name in enumerate(dict.fromkeys(given))}
        self._label, self._has_order = settings.label, settings.labels is not None
        self.counts |= {"conflicts": 0, "conflicting_texts": 0}

    def classes(self) -> list[str]:
        return list(self._label_ids)

    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        ids = self._label_ids
        found = np.fromiter((ids.setdefault(label, len(ids)) for label in rows.labels), np.int32, len(rows.labels))
        check_label_count(len(ids), self._label, rows.file.name)
        return found

    def keys(self, rows: TextRows) -> Keys:
        return exact_keys(rows.texts)

    def keep(self, rows: TextRows, classes: NDArray[np.int32]) -> list[pa.Array]:
        return [pa.array(rows.texts, pa.string()), pa.array(classes)]

    def classes_of(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        return np.asarray(batch.column("label"))

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        return [batch.column("text"), pa.array(self.classes()).take(batch.column("label"))]

    def count_duplicates(self, unique: Unique) -> None:
        super().count_duplicates(unique)
        self.counts["conflicts"] += unique.conflicts
        self.counts["conflicting_texts"] += unique.texts_in_conflict

    def check(self, class_rows: list[int], where: str) -> None:
        check_labels(class_rows, self.classes(), where)

    def count(self, divided: Divided, where: str) -> None:
        self.count_splits(divided)
        by_name = {name: divided.class_rows[:, index] for index, name in enumerate(self.classes())}
        labels = self.counts["labels"] = self._ordered_labels()
        for index, split in enumerate(SPLITS):
            self.counts["splits"][split]["labels"] = {name: int(by_name[name][index]) for name in labels}
        check_counts(self.counts["splits"], where, has_test=has_test(self.settings))

    def _ordered_labels(self) -> list[str]:
        """Returns the labels in the order given; else by value where all are whole numbers, else by name."""
        found = self.classes()
        if self._has_order:
            return found
        return sorted(found, key=int) if all(_is_whole(name) for name in found) else sorted(found)


def _is_whole(name: str) -> bool:
    return name.removeprefix("-").isascii() and name.removeprefix("-").isdigit()
