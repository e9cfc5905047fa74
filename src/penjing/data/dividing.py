"""Rows read, checked, without duplicates, divided into splits, and without what evaluation would find in training.

What a row has beside its text, and what makes two rows the same, say those who build on this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from penjing.data.checks import check_any, check_drawn, check_quotas
from penjing.data.divided import Divided
from penjing.data.drawing import FewDrawer
from penjing.data.duplicates import Bits, DuplicateFinder, Unique
from penjing.data.grouping import count_groups, describe_groups, draw_groups, number_groups
from penjing.data.keys import Keys, text_ids
from penjing.data.measured import Found, Marker, Marks, MeasuredTexts
from penjing.data.rows import RowReader, RowRules, TextRows
from penjing.data.settings import SplitData, exact_share
from penjing.data.split_files import has_test, name_files
from penjing.data.splitting import SPLITS, SplitDrawer, split_quotas
from penjing.data.storing import ParquetRows, Spool, work_folder
from penjing.files import write_json
from penjing.progress import Bar, Progress, stop_if_asked

COUNTS = "counts.json"
_TRAIN, _VALIDATION, _TEST = range(3)
_OF_EVERY_ROW = [("file", pa.int32()), ("row", pa.int64())]


@dataclass
class _Pool:
    """The rows of one group of files.

    Attributes:
        split: what they are, or None if they are still to be divided.
        spool: the rows.
        kept: which rows are no duplicates.
        class_rows: how many of those each class has, [classes].
        groups: the number of the group of each of those; None where each row goes to a split by itself.
    """

    split: int | None
    spool: Spool
    kept: Bits
    class_rows: NDArray[np.int64]
    groups: NDArray[np.int64] | None


#: Rows, and the split of each; -1 for one that is left out.
Assigned = tuple[pa.RecordBatch, NDArray[np.int8]]
#: What is found of the rows of a split.
Leaks = list[tuple[int, Found]]


class Division(ABC):
    """One build, with what it counts on the way. Every stratum has its exact share of every split.

    Args:
        settings: where the rows are and how they are divided.
        rules: what is read of a row.
        files: the files of each split; validation or test may be missing, and is drawn from the training rows then.
        seed: decides the splits.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Attributes:
        kept_columns: what is kept of a row between two passes.
        table: the columns that are written.
        repeated: those of them whose values come again and again.
        most_grouped: rows of a group, as `penjing.data.grouping.number_groups` takes it.
        optional: the splits that may be without rows.
        per_class: how many training rows of each class are drawn; None: all are taken.
    """

    kept_columns: ClassVar[list[tuple[str, pa.DataType]]]
    table: ClassVar[pa.Schema]
    repeated: ClassVar[tuple[str, ...]]
    most_grouped: ClassVar[int | None] = None

    def __init__(
        self,
        settings: SplitData,
        rules: RowRules,
        files: dict[str, list[Path]],
        seed: int,
        out: Path,
        progress: Progress,
    ) -> None:
        self.settings, self.rules, self.files = settings, rules, files
        self.seed, self.out, self.progress = seed, out, progress
        self.optional: frozenset[str] = frozenset() if has_test(settings) else frozenset(["test"])
        self.per_class: int | None = None
        self.file_names: list[str] = []
        self.counts: dict[str, Any] = dict.fromkeys(("read", "filtered", "empty", "removed", "duplicates"), 0)

    def reader(self) -> RowReader:
        """Returns what reads and checks rows."""
        return RowReader(self.rules)

    @abstractmethod
    def classes(self) -> list[str]:
        """Returns the names of the classes that were met, in the order of their numbers."""

    def strata(self) -> tuple[NDArray[np.int64], list[str]]:
        """Returns the stratum of each class, [classes], and their names; each has its exact share of every split."""
        names = self.classes()
        return np.arange(len(names)), names

    @abstractmethod
    def classify(self, rows: TextRows) -> NDArray[np.int32]:
        """Returns the class of each row."""

    @abstractmethod
    def keys(self, rows: TextRows) -> Keys:
        """Returns a key for each row; rows with the same are duplicates."""

    @abstractmethod
    def keep(self, rows: TextRows, classes: NDArray[np.int32]) -> list[pa.Array]:
        """Returns `kept_columns` of some rows."""

    @abstractmethod
    def classes_of(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        """Returns the class of each row that was kept."""

    def group(self, batch: pa.RecordBatch) -> Keys | None:
        """Returns a key for each row; those with the same are of one stratum, and are drawn into one split."""
        return None

    @abstractmethod
    def columns(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """Returns the columns of `table` but the last two, source and row, of rows that were kept."""

    @abstractmethod
    def check(self, class_rows: list[int], where: str) -> None:
        """Refuses training files whose rows, of each class, will not do."""

    @abstractmethod
    def count(self, divided: Divided, where: str) -> None:
        """Adds to the counts what is in the splits, and refuses splits that will not do."""

    def add(self) -> Iterator[pa.RecordBatch]:
        """Yields rows that are in no file, for training: `kept_columns`, then file and row."""
        return iter(())

    def count_duplicates(self, unique: Unique) -> None:
        """Adds the duplicates of some rows to the counts."""
        self.counts["duplicates"] += unique.duplicates

    def run(self) -> dict[str, Any]:
        """Fills the folder, and returns the counts."""
        with work_folder(self.out) as work:
            pools, where = self._read(work), name_files(self.files["train"])
            self.check(pools[0].class_rows.tolist(), where)
            given = set(self.files) | self.optional
            counted = describe_groups(pools[0].groups)
            unit = "text" if counted else "row"
            check_quotas(self._quotas(pools), self.strata()[1], self._shares(), given, where + counted, unit)
            measured = self._measured(pools)
            self.count(self._write(pools, measured, self._draw(pools, measured, where)), where)
            write_json(self.out / COUNTS, self.counts)
        return self.counts

    def _shares(self) -> list[Fraction]:
        """Returns the share of each split in the training files; what is given as files takes none."""
        split = self.settings.split
        shares = [exact_share(split.train)]
        for name, share in (("validation", split.validation), ("test", split.test)):
            shares.append(Fraction(0) if name in self.files else exact_share(share))
        return [share / sum(shares) for share in shares]

    def _read(self, work: Path) -> list[_Pool]:
        reader = self.reader()
        total = sum(file.stat().st_size for group in self.files.values() for file in group)
        with self.progress.bar("reading", total, "bytes") as bar:
            pools = [
                self._read_group(reader, split, self.files[split], work, bar) for split in SPLITS if split in self.files
            ]
        # A class can be new in a later group.
        for pool in pools:
            pool.class_rows = np.pad(pool.class_rows, (0, len(self.classes()) - len(pool.class_rows)))
        return pools

    def _read_group(self, reader: RowReader, split: str, files: list[Path], work: Path, bar: Bar) -> _Pool:
        folder = work / split
        folder.mkdir()
        finder = DuplicateFinder(folder)
        spool = Spool(folder / "rows.arrow", pa.schema([*self.kept_columns, *_OF_EVERY_ROW]))
        seen = 0
        with spool.writing() as write:
            for rows in reader.read(files):
                stop_if_asked(self.progress)
                rows = self._without_removed(rows)
                classes = self.classify(rows)
                finder.add(self.keys(rows), classes)
                seen = max(seen, int(classes.max(initial=-1)) + 1)
                file_ids = np.full(len(classes), self.file_id(rows.file.name), dtype=np.int32)
                write([*self.keep(rows, classes), pa.array(file_ids), pa.array(rows.rows, pa.int64())])
                for name, amount in (("read", rows.read), ("filtered", rows.filtered), ("empty", rows.empty)):
                    self.counts[name] += amount
                for name, amount in rows.label_counts.items():
                    self.counts[name] = self.counts.get(name, 0) + amount
                bar.advance(rows.consumed)
        check_any(reader, finder.rows, name_files(files))
        is_whole = split != "train" or {"validation", "test"} <= set(self.files)
        kept, class_rows = self._drop_duplicates(finder, seen)
        groups = None if is_whole else self._find_groups(spool, kept)
        return _Pool(SPLITS.index(split) if is_whole else None, spool, kept, class_rows, groups)

    def _find_groups(self, spool: Spool, kept: Bits) -> NDArray[np.int64] | None:
        parts, start = list[Keys](), 0
        for batch in spool.read():
            stop_if_asked(self.progress)
            rows = np.flatnonzero(kept.slice(start, start + batch.num_rows))
            start += batch.num_rows
            keys = self.group(batch.take(pa.array(rows)))
            if keys is None:
                return None
            parts.append(keys)
        return number_groups(parts, self.most_grouped)

    def _without_removed(self, rows: TextRows) -> TextRows:
        removed = set(self.settings.removed)
        kept = [place for place, key in enumerate(text_ids(rows.texts)) if key not in removed] if removed else []
        if not removed or len(kept) == len(rows.texts):
            return rows
        self.counts["removed"] += len(rows.texts) - len(kept)
        return rows.take(kept)

    def file_id(self, name: str) -> int:
        """Returns the number of a file, which `table` names as the source of a row."""
        if not self.file_names or self.file_names[-1] != name:
            self.file_names.append(name)
        return len(self.file_names) - 1

    def _drop_duplicates(self, finder: DuplicateFinder, classes: int) -> tuple[Bits, NDArray[np.int64]]:
        kept = Bits(finder.rows)
        class_rows = np.zeros(classes, dtype=np.int64)
        for unique in finder.unique():
            stop_if_asked(self.progress)
            kept.set(unique.rows)
            class_rows += np.bincount(unique.tags, minlength=classes)
            self.count_duplicates(unique)
        return kept, class_rows

    def _quotas(self, pools: list[_Pool]) -> list[list[int]]:
        """Returns the rows of each stratum for each split, [strata][splits], given files counted in."""
        drawn = split_quotas(self._stratum_rows(pools[0]), self._shares())
        for pool in pools[1:]:
            for number, count in enumerate(self._stratum_rows(pool)):
                drawn[number][pool.split or 0] += count
        return drawn

    def _stratum_rows(self, pool: _Pool) -> list[int]:
        """Returns how many rows of each stratum are drawn, or how many groups."""
        if pool.groups is not None:
            return [count_groups(pool.groups)]
        strata, names = self.strata()
        rows = np.bincount(strata, weights=pool.class_rows, minlength=len(names))
        return [int(count) for count in rows]

    def _assigned(self, pools: list[_Pool]) -> Iterator[Assigned]:
        """Yields every batch with the split of each row, -1 for a duplicate; each time the same."""
        for pool in pools:
            draw = self._drawer(pool) if pool.split is None else None
            start = 0
            for batch in pool.spool.read():
                stop_if_asked(self.progress)
                kept = pool.kept.slice(start, start + batch.num_rows)
                start += batch.num_rows
                splits = np.full(batch.num_rows, -1, dtype=np.int8)
                splits[kept] = pool.split if draw is None else draw(batch, kept)
                yield batch, splits

    def _drawer(self, pool: _Pool) -> Callable[[pa.RecordBatch, NDArray[np.bool_]], ArrayLike]:
        """Returns what gives the splits of the rows of each batch that are kept, one batch after the other."""
        shares = self._shares()
        if pool.groups is not None:
            drawn = iter(draw_groups(pool.groups, shares, self.seed))
            return lambda _, kept: list(islice(drawn, int(kept.sum())))
        drawer, (strata, _) = SplitDrawer(split_quotas(self._stratum_rows(pool), shares), self.seed), self.strata()
        return lambda batch, kept: [drawer.draw(number) for number in strata[self.classes_of(batch)[kept]].tolist()]

    def _measured(self, pools: list[_Pool]) -> tuple[MeasuredTexts, MeasuredTexts]:
        """Returns the texts of test, and of validation and test together."""
        marker, test, both = Marker(), list[Marks](), list[Marks]()
        for batch, splits in self._assigned(pools):
            for split, into in ((_VALIDATION, [both]), (_TEST, [both, test])):
                rows = np.flatnonzero(splits == split)
                if len(rows):
                    marks = marker.mark(_texts(batch, rows))
                    for keep in into:
                        keep.append(marks)
        return MeasuredTexts(test), MeasuredTexts(both)

    def _clean(
        self, pools: list[_Pool], measured: tuple[MeasuredTexts, MeasuredTexts]
    ) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int8], Leaks]]:
        """Yields every batch as `_assigned` does, -1 also for a row whose text is measured on or contains one that is.

        With it what was found of them.
        """
        test, both = measured
        for batch, splits in self._assigned(pools):
            leaks: Leaks = []
            for split, known in ((_TRAIN, both), (_VALIDATION, test)):
                rows = np.flatnonzero(splits == split)
                if len(rows):
                    found = known.find(_texts(batch, rows))
                    splits[rows[found.is_measured]] = -1
                    leaks.append((split, found))
            yield batch, splits, leaks

    def _draw(self, pools: list[_Pool], measured: tuple[MeasuredTexts, MeasuredTexts], where: str) -> Bits | None:
        """Returns which rows are drawn for training; None where all are taken."""
        if self.per_class is None:
            return None
        drawer, start = FewDrawer(self.per_class, self.seed), 0
        for batch, splits, _ in self._clean(pools, measured):
            rows = np.flatnonzero(splits == _TRAIN)
            drawer.add(self.classes_of(batch)[rows], start + rows)
            start += batch.num_rows
        seen = drawer.seen(len(self.classes()))
        check_drawn(self.per_class, seen, self.classes(), where)
        of = dict(zip(self.classes(), seen, strict=True))
        self.counts["drawn"] = {"per_class": self.per_class, "seed": self.seed, "of": of}
        drawn = Bits(start)
        drawn.set(drawer.drawn())
        return drawn

    def _chosen(
        self, pools: list[_Pool], measured: tuple[MeasuredTexts, MeasuredTexts], drawn: Bits | None
    ) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int8], Leaks]]:
        """Yields what `_clean` does, -1 also for a training row that was not drawn; then what is added."""
        start = 0
        for batch, splits, leaks in self._clean(pools, measured):
            if drawn is not None:
                splits[(splits == _TRAIN) & ~drawn.slice(start, start + batch.num_rows)] = -1
            start += batch.num_rows
            yield batch, splits, leaks
        for batch in self.add():
            found = measured[1].find(batch.column("text").to_pylist())
            yield batch, np.where(found.is_measured, -1, _TRAIN).astype(np.int8), [(_TRAIN, found)]

    def _write(self, pools: list[_Pool], measured: tuple[MeasuredTexts, MeasuredTexts], drawn: Bits | None) -> Divided:
        divided = Divided.empty(len(self.classes()))
        with ExitStack() as stack:
            bar = stack.enter_context(self.progress.bar("splitting", sum(pool.kept.rows for pool in pools)))
            writers = [
                stack.enter_context(ParquetRows(self.out / f"{split}.parquet", self.table, self.repeated))
                for split in SPLITS
            ]
            for batch, splits, leaks in self._chosen(pools, measured, drawn):
                for split, found in leaks:
                    divided.leave_out(split, found)
                for split, writer in enumerate(writers):
                    part = batch.take(pa.array(np.flatnonzero(splits == split)))
                    if part.num_rows:
                        divided.class_rows[split] += np.bincount(
                            self.classes_of(part), minlength=divided.class_rows.shape[1]
                        )
                        divided.characters[split] += pc.sum(pc.utf8_length(part.column("text"))).as_py()
                        writer.write(self._table(part))
                bar.advance(batch.num_rows)
        return divided

    def _table(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        source = pa.array(self.file_names).take(batch.column("file"))
        return pa.record_batch([*self.columns(batch), source, batch.column("row")], schema=self.table)

    def count_splits(self, divided: Divided) -> None:
        """Adds to the counts what does not depend on what a row is."""
        self.counts.update(
            kept=int(divided.class_rows.sum()),
            characters=sum(divided.characters),
            overlap={split: divided.overlap[SPLITS.index(split)] for split in ("train", "validation")},
            containing={split: divided.containing[SPLITS.index(split)] for split in ("train", "validation")},
            files={split: [file.name for file in self.files[split]] for split in SPLITS if split in self.files},
            splits={
                split: {"rows": int(divided.class_rows[index].sum()), "characters": divided.characters[index]}
                for index, split in enumerate(SPLITS)
            },
        )


def _texts(batch: pa.RecordBatch, rows: NDArray[np.int64]) -> list[str]:
    texts: list[str] = batch.column("text").take(pa.array(rows)).to_pylist()
    return texts
