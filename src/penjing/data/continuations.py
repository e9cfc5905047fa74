"""Texts that are to be gone on with: read, checked, joined to passages, without duplicates, split, without leaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from penjing.data.checks import check_any, check_counts
from penjing.data.continuation_settings import ContinuationData
from penjing.data.divided import Divided
from penjing.data.dividing import Division
from penjing.data.keys import Keys, exact_keys, normalized_keys
from penjing.data.reading import files_of_one_split
from penjing.data.rows import RowReader, RowRules, TextRows
from penjing.data.split_files import files_by_split
from penjing.progress import Progress

_TEXTS = [("text", pa.string()), ("target", pa.string())]
_BETWEEN = "\x00"  # no text holds it


class BegunTexts(NamedTuple):
    """The rows of a split.

    Attributes:
        texts: [rows].
        targets: what follows each, and alone is learned, [rows]; empty where all of the text is learned.
    """

    texts: list[str]
    targets: list[str]

    def take(self, rows: int) -> BegunTexts:
        """Returns the first rows."""
        return BegunTexts(self.texts[:rows], self.targets[:rows])

    def add(self, more: BegunTexts) -> None:
        """Adds rows."""
        self.texts.extend(more.texts)
        self.targets.extend(more.targets)


def build_continuations(settings: ContinuationData, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``train.parquet``, ``validation.parquet``, ``test.parquet`` and ``counts.json``.

    A row holds a ``text`` and a ``target``, what follows it; that is empty where all of the text is learned. A row that
    has come before in the same group of files is dropped. A training row whose normalized text occurs in validation or
    test is removed, and a validation row whose text occurs in test.

    Args:
        settings: where the texts are and what they look like.
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


def iter_continuations(folder: Path, split: str, batch_rows: int = 1024) -> Iterator[BegunTexts]:
    """Yields a split's rows in batches.

    Args:
        folder: filled by `build_continuations`.
        split: train, validation or test.
        batch_rows: the most rows in a batch.
    """
    names = [name for name, _ in _TEXTS]
    with pq.ParquetFile(folder / f"{split}.parquet") as file:
        for batch in file.iter_batches(batch_size=batch_rows, columns=names, use_threads=False):
            yield BegunTexts(*(batch.column(name).to_pylist() for name in names))


def read_continuations(folder: Path, split: str) -> BegunTexts:
    """Returns all rows of a split; arguments as for `iter_continuations`."""
    rows = BegunTexts([], [])
    for batch in iter_continuations(folder, split):
        rows.add(batch)
    return rows


def read_continuation_rows(address: str, settings: ContinuationData) -> Iterator[BegunTexts]:
    """Yields the checked rows of any file, in batches, for evaluation.

    Args:
        address: as `penjing.data.sources.source_files` takes it.
        settings: how they are read; its own addresses are not looked at.

    Raises:
        RecipeError: a file or a column is missing, or a folder holds training and test files side by side.
        DataError: a row cannot be used, or there is none.
    """
    reader, found = _reader(settings), 0
    for rows in reader.read(files_of_one_split(address)):
        found += len(rows.texts)
        yield BegunTexts(rows.texts, _targets(rows))
    check_any(reader, found, address)


class PassageReader(RowReader):
    """Reads files, and joins texts that follow each other in one.

    Args:
        rules: what is read and checked.
        characters: a passage ends with the text that gives it so many.
        between: what stands between two texts of a passage.
    """

    def __init__(self, rules: RowRules, characters: int, between: str) -> None:
        super().__init__(rules)
        self._characters, self._between = characters, between

    def read(self, files: Iterable[Path]) -> Iterator[TextRows]:
        """Yields passages, each with the number of its first row."""
        for file in files:
            waiting: list[str] = []
            size, first, last = 0, 0, None
            for rows in super().read([file]):
                texts, numbers = [], []
                for number, text in zip(rows.rows, rows.texts, strict=True):
                    if not waiting:
                        size, first = 0, number
                    waiting.append(text)
                    size += len(text) + len(self._between)
                    if size >= self._characters:
                        texts.append(self._between.join(waiting))
                        numbers.append(first)
                        waiting = []
                last = replace(rows, texts=texts, rows=numbers, read=len(texts) + rows.empty + rows.filtered)
                yield last
            if waiting and last is not None:
                rest = [self._between.join(waiting)]
                yield replace(last, texts=rest, rows=[first], read=1, empty=0, filtered=0, consumed=0)


class _Build(Division):
    """All texts are of one class."""

    kept_columns: ClassVar = _TEXTS
    table: ClassVar = pa.schema([*_TEXTS, ("source", pa.string()), ("row", pa.int64())])
    repeated: ClassVar = ("source",)

    def __init__(self, settings: ContinuationData, seed: int, out: Path, progress: Progress) -> None:
        super().__init__(settings, _rules(settings), files_by_split(settings), seed, out, progress)
        self._reading = settings

    def reader(self) -> RowReader:
        return _reader(self._reading)

    def classes(self) -> list[str]:
        return [""]

    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        return np.zeros(len(rows.texts), dtype=np.int32)

    def keys(self, rows: TextRows) -> Keys:
        return exact_keys(map(_BETWEEN.join, zip(rows.texts, _targets(rows), strict=True)))

    def keep(self, rows: TextRows, classes: NDArray[np.int32]) -> list[pa.Array]:
        return [pa.array(rows.texts, pa.string()), pa.array(_targets(rows), pa.string())]

    def classes_of(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        return np.zeros(batch.num_rows, dtype=np.int32)

    def group(self, batch: pa.RecordBatch) -> Keys | None:
        if self.rules.target is None:
            return None
        return normalized_keys(batch.column("text").to_pylist())

    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        return [batch.column("text"), batch.column("target")]

    def check(self, class_rows: list[int], where: str) -> None:
        """Any will do; whether there are enough is seen when they are divided."""

    def count(self, divided: Divided, where: str) -> None:
        self.count_splits(divided)
        check_counts(self.counts["splits"], where, self.optional)


def _rules(settings: ContinuationData) -> RowRules:
    return RowRules(
        text=settings.text,
        target=settings.continuation,
        where=settings.where,
        empty_text=settings.empty_text,
        layout=settings.layout,
    )


def _reader(settings: ContinuationData) -> RowReader:
    rules = _rules(settings)
    if settings.passage is None:
        return RowReader(rules)
    return PassageReader(rules, settings.passage, "\n" if settings.unit == "line" else "\n\n")


def _targets(rows: TextRows) -> list[str]:
    return rows.targets or [""] * len(rows.texts)
