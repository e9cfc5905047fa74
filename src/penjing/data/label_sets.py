"""Texts with any number of labels each: read, checked, without duplicates, split, and without leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penjing.data.checks import check_counts, check_label_count
from penjing.data.divided import Divided
from penjing.data.dividing import Division
from penjing.data.duplicates import Unique
from penjing.data.keys import Keys, exact_keys
from penjing.data.label_cells import LabelNumbers
from penjing.data.label_settings import MultilabelData
from penjing.data.labelled import order_names
from penjing.data.rows import RowRules, TextRows
from penjing.data.split_files import files_by_split
from penjing.data.splitting import SPLITS
from penjing.errors import DataError
from penjing.progress import Progress

SET_SCHEMA = pa.schema(
    [("text", pa.string()), ("labels", pa.list_(pa.string())), ("source", pa.string()), ("row", pa.int64())]
)


def build_label_sets(settings: MultilabelData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``train.parquet``, ``validation.parquet``, ``test.parquet`` and ``counts.json``.

    Duplicates are dropped within each group of files, the first kept, whatever its labels. A training row whose
    normalized text occurs in validation or test is removed, and a validation row whose normalized text occurs in test.
    Rows are drawn into the splits without regard to their labels: most sets of labels have too few rows for a share.

    Args:
        settings: where the rows are and what they look like.
        seed: decides the split.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a row cannot be used, or there are too few of them or of labels.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    return _Build(settings, seed, out, progress).run()


class _Build(Division):
    """The classes are the sets of labels that occur; all rows are of one stratum."""

    kept_columns: ClassVar = [("text", pa.string()), ("set", pa.int32())]
    table: ClassVar = SET_SCHEMA
    repeated: ClassVar = ("source",)

    def __init__(self, settings: MultilabelData, seed: int, out: Path, progress: Progress) -> None:
        rules = RowRules(
            text=settings.text,
            label_sets=settings.label_rules,
            where=settings.where,
            empty_text=settings.empty_text,
            layout=settings.layout,
        )
        super().__init__(settings, rules, files_by_split(settings), seed, out, progress)
        given = settings.given_labels
        if given is None and len(settings.label_columns) > 1:
            given = settings.label_columns
        self._numbers = LabelNumbers(given, settings.spelling)
        self._column = settings.label_columns[0]
        self._sets: dict[tuple[int, ...], int] = {}
        self.counts |= {"conflicts": 0, "conflicting_texts": 0}

    def classes(self) -> list[str]:
        return [", ".join(map(str, members)) for members in self._sets]

    def strata(self) -> tuple[NDArray[np.int64], list[str]]:
        return np.zeros(len(self._sets), dtype=np.int64), [""]

    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        number, name, sets = self._numbers.number, rows.file.name, self._sets
        found = np.zeros(len(rows.texts), dtype=np.int32)
        for place, (labels, row) in enumerate(zip(rows.label_sets, rows.rows, strict=True)):
            members = tuple(sorted({number(label, name, row) for label in labels}))
            found[place] = sets.setdefault(members, len(sets))
        check_label_count(len(self._numbers), self._column, name)
        return found

    def keys(self, rows: TextRows) -> Keys:
        return exact_keys(rows.texts)

    def keep(self, rows: TextRows, classes: NDArray[np.int32]) -> list[pa.Array]:
        return [pa.array(rows.texts, pa.string()), pa.array(classes)]

    def classes_of(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        return np.asarray(batch.column("set"))

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        names = self._numbers.names()
        sets = [[names[number] for number in members] for members in self._sets]
        return [batch.column("text"), pa.array(sets, pa.list_(pa.string())).take(batch.column("set"))]

    def count_duplicates(self, unique: Unique) -> None:
        super().count_duplicates(unique)
        self.counts["conflicts"] += unique.conflicts
        self.counts["conflicting_texts"] += unique.texts_in_conflict

    def check(self, class_rows: list[int], where: str) -> None:
        names = self._numbers.names()
        if len(names) < 2:
            found = f'one label, "{names[0]}"' if names else "no label at all"
            raise DataError(
                f"the rows have {found}; at least two labels are needed",
                where=where,
                do="Name another column with label under [data], or check its separator.",
            )

    def count(self, divided: Divided, where: str) -> None:
        self.count_splits(divided)
        self.counts["respelled"] = self.counts.get("respelled", 0) + self._numbers.respelled
        names = self._numbers.names()
        rows = np.zeros((len(SPLITS), len(names)), dtype=np.int64)  # of each label
        labels = np.zeros(len(SPLITS), dtype=np.int64)
        for members, number in self._sets.items():
            of_set = divided.class_rows[:, number]
            rows[:, list(members)] += of_set[:, None]
            labels += of_set * len(members)
        none = self._sets.get(())
        ordered = self.counts["labels"] = names if self._numbers.has_order else order_names(names)
        self.counts["sets"] = len(self._sets)
        for index, split in enumerate(SPLITS):
            found = self.counts["splits"][split]
            found["labels"] = {name: int(rows[index, names.index(name)]) for name in ordered}
            found["without"] = 0 if none is None else int(divided.class_rows[index, none])
            found["labels_a_row"] = float(labels[index] / max(1, found["rows"]))
        check_counts(self.counts["splits"], where, self.optional)
