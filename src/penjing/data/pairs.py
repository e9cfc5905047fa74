"""Pairs of texts, one to read and one to write: read, checked, without duplicates, split, without leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penjing.data.checks import check_counts
from penjing.data.divided import Divided
from penjing.data.dividing import Division
from penjing.data.keys import Keys, exact_keys, normalized_keys
from penjing.data.rows import RowRules, TextRows
from penjing.data.settings import PairedData
from penjing.data.split_files import addressed_files, files_by_split
from penjing.errors import RecipeError
from penjing.progress import Progress

_REFERENCES = pa.list_(pa.string())
_TEXTS = [("text", pa.string()), ("target", pa.string()), ("references", _REFERENCES)]
PAIR_SCHEMA = pa.schema([*_TEXTS, ("source", pa.string()), ("row", pa.int64())])
_BETWEEN = "\x00"  # no text holds it


def build_pairs(settings: PairedData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``train.parquet``, ``validation.parquet``, ``test.parquet`` and ``counts.json``.

    ``target`` is the first of the texts that are to be written, ``references`` all of them. A pair that has come before
    in the same group of files is dropped; a text may come again with other targets, and is drawn into one split with
    all of them. A training pair whose normalized text occurs in validation or test is removed, and a validation pair
    whose text occurs in test.

    Args:
        settings: where the pairs are and what they look like.
        seed: decides the split.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a row cannot be used, files side by side have not as many lines, or there are too few pairs.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    return _Build(settings, seed, out, progress).run()


def aligned_files(settings: PairedData) -> dict[Path, Path]:
    """Returns for each file of texts the file of lines that is read beside it; none where there are tables.

    Raises:
        RecipeError: a file is missing.
    """
    return {
        sides[0][0]: sides[1][0]
        for addresses in settings.addresses.values()
        if len(sides := addressed_files(addresses)) > 1
    }


class _Build(Division):
    """All pairs are of one class."""

    kept_columns: ClassVar = _TEXTS
    table: ClassVar = PAIR_SCHEMA
    repeated: ClassVar = ("source",)

    def __init__(self, settings: PairedData, seed: int, out: Path, progress: Progress) -> None:
        files = files_by_split(settings)
        if settings.test_target is not None and "test" not in files:
            raise RecipeError(
                "there are no test files, whose columns it would name",
                where="[data] test_target",
                do="Name them in [data] test, or leave test_target out.",
            )
        rules = RowRules(
            text=settings.text,
            target=settings.targets[0],
            references=settings.targets[1:],
            where=settings.where,
            empty_text=settings.empty_text,
            layout=settings.layout,
            aligned=aligned_files(settings),
            written_in=dict.fromkeys(files.get("test", ()), settings.test_targets),
        )
        super().__init__(settings, rules, files, seed, out, progress)

    def classes(self) -> list[str]:
        return [""]

    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        return np.zeros(len(rows.texts), dtype=np.int32)

    def keys(self, rows: TextRows) -> Keys:
        pairs = zip(rows.texts, rows.references, strict=True)
        return exact_keys(_BETWEEN.join([text, *references]) for text, references in pairs)

    def keep(self, rows: TextRows, classes: NDArray[np.int32]) -> list[pa.Array]:
        texts = [pa.array(texts, pa.string()) for texts in (rows.texts, rows.targets)]
        return [*texts, pa.array(rows.references, _REFERENCES)]

    def classes_of(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        return np.zeros(batch.num_rows, dtype=np.int32)

    def group(self, batch: pa.RecordBatch) -> Keys:
        return normalized_keys(batch.column("text").to_pylist())

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        return [batch.column(name) for name, _ in _TEXTS]

    def check(self, class_rows: list[int], where: str) -> None:
        """Any will do; whether there are enough is seen when they are divided."""

    def count(self, divided: Divided, where: str) -> None:
        self.count_splits(divided)
        check_counts(self.counts["splits"], where, self.optional)
