"""Labelled texts: read, checked, without duplicates, split, and without what evaluation would find in training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penjing.data.checks import check_counts, check_label_count, check_labels
from penjing.data.divided import Divided
from penjing.data.dividing import Division
from penjing.data.duplicates import Unique
from penjing.data.keys import Keys, exact_keys, text_ids
from penjing.data.label_cells import LabelNumbers
from penjing.data.label_settings import LabelledData
from penjing.data.plain import whole_number
from penjing.data.rows import RowRules, TextRows
from penjing.data.split_files import files_by_split
from penjing.data.splitting import SPLITS
from penjing.errors import DataError, RecipeError, nearest
from penjing.progress import Progress

TABLE_SCHEMA = pa.schema([("text", pa.string()), ("label", pa.string()), ("source", pa.string()), ("row", pa.int64())])

_RECIPE = "recipe"  # the source of a text that stands there


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


def build_ordered(settings: LabelledData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """As `build_labelled`, of labels that have an order: the one given, or that of numbers.

    Raises:
        DataError: as `build_labelled`, or labels that are no numbers and are not given in order.
    """
    return _OrderedBuild(settings, seed, out, progress).run()


class _Build(Division):
    """The classes are the labels."""

    kept_columns: ClassVar = [("text", pa.string()), ("label", pa.int32())]
    table: ClassVar = TABLE_SCHEMA
    repeated: ClassVar = ("label", "source")

    def __init__(self, settings: LabelledData, seed: int, out: Path, progress: Progress) -> None:
        rules = RowRules(
            text=settings.text,
            labels=settings.label_rules,
            where=settings.where,
            empty_text=settings.empty_text,
            layout=settings.layout,
        )
        files = files_by_split(settings)
        if settings.has_no_validation:
            # To choose by hundreds of labels would not be to learn from a few.
            files.pop("validation", None)
            settings = settings.model_copy(update={"split": settings.split.model_copy(update={"validation": 0.0})})
        super().__init__(settings, rules, files, seed, out, progress)
        self._label, self._numbers = settings.label, LabelNumbers(settings.given_labels, settings.spelling)
        self.per_class, self._described = settings.per_class, settings.described
        if "validation" not in files and not settings.split.validation:
            self.optional |= {"validation"}
        self.counts |= {"conflicts": 0, "conflicting_texts": 0}

    def classes(self) -> list[str]:
        return self._numbers.names()

    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        number, name = self._numbers.number, rows.file.name
        found = [number(label, name, row) for label, row in zip(rows.labels, rows.rows, strict=True)]
        check_label_count(len(self._numbers), self._label, name)
        return np.array(found, dtype=np.int32)

    def keys(self, rows: TextRows) -> Keys:
        return exact_keys(rows.texts)

    def keep(self, rows: TextRows, classes: NDArray[np.int32]) -> list[pa.Array]:
        return [pa.array(rows.texts, pa.string()), pa.array(classes)]

    def classes_of(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        return np.asarray(batch.column("label"))

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        return [batch.column("text"), pa.array(self.classes()).take(batch.column("label"))]

    def add(self) -> Iterator[pa.RecordBatch]:
        told = [(label, text) for label, texts in self._described.items() for text in texts]
        removed = set(self.settings.removed)
        told = [(label, text) for label, text in told if text_ids([text])[0] not in removed]
        if not told:
            return
        labels, texts = zip(*told, strict=True)
        columns = [pa.array(texts), pa.array([self.classes().index(label) for label in labels], pa.int32())]
        source = pa.array([self.file_id(_RECIPE)] * len(texts), pa.int32())
        yield pa.record_batch(
            [*columns, source, pa.array(range(1, len(texts) + 1), pa.int64())],
            names=[*(name for name, _ in self.kept_columns), "file", "row"],
        )

    def count_duplicates(self, unique: Unique) -> None:
        super().count_duplicates(unique)
        self.counts["conflicts"] += unique.conflicts
        self.counts["conflicting_texts"] += unique.texts_in_conflict

    def check(self, class_rows: list[int], where: str) -> None:
        check_labels(class_rows, self.classes(), where)
        for label in self._described:
            if label not in self.classes():
                raise RecipeError(
                    f'described has a label "{label}", and no row has it',
                    where="[data.described]",
                    do=nearest(label, self.classes()),
                )

    def count(self, divided: Divided, where: str) -> None:
        self.count_splits(divided)
        self.counts["respelled"] = self.counts.get("respelled", 0) + self._numbers.respelled
        if self._described:
            self.counts["described"] = {label: len(texts) for label, texts in self._described.items()}
        by_name = {name: divided.class_rows[:, index] for index, name in enumerate(self.classes())}
        labels = self.counts["labels"] = self._ordered_labels()
        for index, split in enumerate(SPLITS):
            self.counts["splits"][split]["labels"] = {name: int(by_name[name][index]) for name in labels}
        check_counts(self.counts["splits"], where, self.optional)

    def _ordered_labels(self) -> list[str]:
        """Returns the labels in the order given, or else as `order_names`."""
        return self.classes() if self._numbers.has_order else order_names(self.classes())


def order_names(names: Sequence[str]) -> list[str]:
    """Returns labels by value where all are whole numbers, else by name."""
    return sorted(names, key=int) if all(map(_is_whole, names)) else sorted(names)


class _OrderedBuild(_Build):
    """The classes have an order; where none is given they are numbers, and 5.0 is 5."""

    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        if not self._numbers.has_order:
            rows = replace(rows, labels=list(map(whole_number, rows.labels)))
        return super().classify(rows)

    def check(self, class_rows: list[int], where: str) -> None:
        super().check(class_rows, where)
        strange = [name for name in self.classes() if not _is_number(name)]
        if strange and not self._numbers.has_order:
            raise DataError(
                f'the label "{strange[0]}" is no number, so nothing says which label is more than which',
                where=where,
                do='Name the labels in order under [data], such as labels = ["bad", "fair", "good"].',
            )

    def _ordered_labels(self) -> list[str]:
        return self.classes() if self._numbers.has_order else sorted(self.classes(), key=float)


def _is_number(name: str) -> bool:
    try:
        return math.isfinite(float(name))
    except ValueError:
        return False


def _is_whole(name: str) -> bool:
    return name.removeprefix("-").isascii() and name.removeprefix("-").isdigit()
