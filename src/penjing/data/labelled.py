"""Labelled texts: read, checked, without duplicates, split, and without what evaluation would find in training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from penjing.data.checks import check_any, check_counts, check_label_count, check_labels, check_quotas
from penjing.data.duplicates import Bits, DuplicateFinder
from penjing.data.keys import Keys, KeySet, exact_keys, normalized_keys, text_ids
from penjing.data.rows import RowReader, RowRules, TextRows
from penjing.data.settings import LabelledData, exact_share
from penjing.data.sources import group_by_split, source_files
from penjing.data.splitting import SPLITS, SplitDrawer, split_quotas
from penjing.data.storing import ParquetRows, Spool, work_folder
from penjing.errors import RecipeError
from penjing.files import write_json
from penjing.progress import Bar, Progress, stop_if_asked

COUNTS = "counts.json"
TABLE_SCHEMA = pa.schema([("text", pa.string()), ("label", pa.string()), ("source", pa.string()), ("row", pa.int64())])
_SPOOL_SCHEMA = pa.schema([("text", pa.string()), ("label", pa.int32()), ("file", pa.int32()), ("row", pa.int64())])
_TRAIN, _VALIDATION, _TEST = range(3)


@dataclass
class _Pool:
    """The rows of one group of files.

    Attributes:
        split: what they are, or None if they are still to be split.
        spool: the rows.
        kept: which rows are no duplicates.
        label_rows: how many of those each label has, [labels].
    """

    split: int | None
    spool: Spool
    kept: Bits
    label_rows: NDArray[np.int64]


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


def files_by_split(settings: LabelledData) -> dict[str, list[Path]]:
    """Returns the files of each split; without ``validation`` or ``test`` those rows are drawn from ``train``.

    Raises:
        RecipeError: a file is missing, or a folder has test files and no training file.
    """
    files = source_files(settings.path)
    groups = group_by_split(files) if len(files) > 1 else {}
    if groups and "train" not in groups and settings.test is None and settings.validation is None:
        names = ", ".join(file.name for group in groups.values() for file in group)
        raise RecipeError(
            f"there is no train* file beside {names}",
            where=settings.path,
            do="Name the training file train.…, or name the files one by one with path, validation and test.",
        )
    found = groups if "train" in groups else {"train": files}
    for split, address in (("validation", settings.validation), ("test", settings.test)):
        if address is not None:
            found[split] = source_files(address)
    apart = {file.resolve() for split in ("validation", "test") for file in found.get(split, [])}
    found["train"] = [file for file in found["train"] if file.resolve() not in apart]
    if not found["train"]:
        raise RecipeError(
            "path names the same file as validation or test", where=settings.path, do="Give the training rows apart."
        )
    return found


class _Build:
    """One build, with what it counts on the way."""

    def __init__(self, settings: LabelledData, seed: int, out: Path, progress: Progress) -> None:
        self.settings, self.seed, self.out, self.progress = settings, seed, out, progress
        self.files = files_by_split(settings)
        self.file_names: list[str] = []
        given = settings.labels.values() if isinstance(settings.labels, dict) else settings.labels or ()
        self.label_ids: dict[str, int] = {name: index for index, name in enumerate(dict.fromkeys(given))}
        self.counts: dict[str, Any] = dict.fromkeys(
            ("read", "filtered", "empty", "removed", "duplicates", "conflicts", "conflicting_texts"), 0
        )

    def run(self) -> dict[str, Any]:
        with work_folder(self.out) as work:
            pools = self._read(work)
            names, where = list(self.label_ids), _name_files(self.files["train"])
            check_labels(pools[0].label_rows.tolist(), names, where)
            check_quotas(self._quotas(pools), names, self._shares(), set(self.files), where)
            self._write(pools, *self._evaluation_keys(pools))
            check_counts(self.counts["splits"], where)
            write_json(self.out / COUNTS, self.counts)
        return self.counts

    def _shares(self) -> list[Fraction]:
        """Returns the share of each split in the training files; what is given as files takes none."""
        split = self.settings.split
        shares = [exact_share(split.train)]
        for name, share in (("validation", split.validation), ("test", split.test)):
            shares.append(Fraction(0) if name in self.files else exact_share(share))
        return [share / sum(shares) for share in shares]

    def _ordered_labels(self) -> list[str]:
        """Returns the labels in the order given; else by value where all are whole numbers, else by name."""
        found = list(self.label_ids)
        if self.settings.labels is not None:
            return found
        return sorted(found, key=int) if all(_is_whole(name) for name in found) else sorted(found)

    def _read(self, work: Path) -> list[_Pool]:
        rules = RowRules(
            text=self.settings.text,
            label=self.settings.label,
            where=self.settings.where,
            labels=self.settings.labels,
            empty_text=self.settings.empty_text,
            layout=self.settings.layout,
        )
        reader = RowReader(rules)
        total = sum(file.stat().st_size for group in self.files.values() for file in group)
        with self.progress.bar("reading", total, "bytes") as bar:
            pools = [
                self._read_group(reader, split, self.files[split], work, bar) for split in SPLITS if split in self.files
            ]
        # A label can be new in a later group.
        for pool in pools:
            pool.label_rows = np.pad(pool.label_rows, (0, len(self.label_ids) - len(pool.label_rows)))
        return pools

    def _read_group(self, reader: RowReader, split: str, files: list[Path], work: Path, bar: Bar) -> _Pool:
        folder = work / split
        folder.mkdir()
        finder = DuplicateFinder(folder)
        spool = Spool(folder / "rows.arrow", _SPOOL_SCHEMA)
        label_rows = np.zeros(0, dtype=np.int64)
        with spool.writing() as write:
            for rows in reader.read(files):
                stop_if_asked(self.progress)
                rows = self._without_removed(rows)
                labels = self._ids(rows.labels, rows.file.name)
                finder.add(exact_keys(rows.texts), labels)
                label_rows = _add(label_rows, np.bincount(labels))
                file_ids = np.full(len(labels), self._file_id(rows.file.name), dtype=np.int32)
                write([pa.array(rows.texts, pa.string()), pa.array(labels), pa.array(file_ids), pa.array(rows.rows)])
                for name, amount in (("read", rows.read), ("filtered", rows.filtered), ("empty", rows.empty)):
                    self.counts[name] += amount
                bar.advance(rows.consumed)
        check_any(reader, finder.rows, _name_files(files))
        is_whole = split != "train" or {"validation", "test"} <= set(self.files)
        kept, label_rows = self._drop_duplicates(finder, len(label_rows))
        return _Pool(SPLITS.index(split) if is_whole else None, spool, kept, label_rows)

    def _without_removed(self, rows: TextRows) -> TextRows:
        removed = set(self.settings.removed)
        kept = [place for place, key in enumerate(text_ids(rows.texts)) if key not in removed] if removed else []
        if not removed or len(kept) == len(rows.texts):
            return rows
        self.counts["removed"] += len(rows.texts) - len(kept)
        return replace(
            rows,
            texts=[rows.texts[place] for place in kept],
            labels=[rows.labels[place] for place in kept],
            rows=[rows.rows[place] for place in kept],
        )

    def _ids(self, labels: list[str], file: str) -> NDArray[np.int32]:
        ids = self.label_ids
        found = np.fromiter((ids.setdefault(label, len(ids)) for label in labels), np.int32, len(labels))
        check_label_count(len(ids), self.settings.label, file)
        return found

    def _file_id(self, name: str) -> int:
        if not self.file_names or self.file_names[-1] != name:
            self.file_names.append(name)
        return len(self.file_names) - 1

    def _drop_duplicates(self, finder: DuplicateFinder, labels: int) -> tuple[Bits, NDArray[np.int64]]:
        kept = Bits(finder.rows)
        label_rows = np.zeros(labels, dtype=np.int64)
        for unique in finder.unique():
            stop_if_asked(self.progress)
            kept.set(unique.rows)
            label_rows += np.bincount(unique.tags, minlength=labels)
            self.counts["duplicates"] += unique.duplicates
            self.counts["conflicts"] += unique.conflicts
            self.counts["conflicting_texts"] += unique.texts_in_conflict
        return kept, label_rows

    def _quotas(self, pools: list[_Pool]) -> list[list[int]]:
        """Returns the rows of each label for each split, [labels][splits], given files counted in."""
        drawn = split_quotas(pools[0].label_rows.tolist(), self._shares())
        for pool in pools[1:]:
            for label, count in enumerate(pool.label_rows.tolist()):
                drawn[label][pool.split or 0] += count
        return drawn

    def _assigned(self, pools: list[_Pool]) -> Iterator[tuple[pa.RecordBatch, NDArray[np.int8]]]:
        """Yields every batch with the split of each row, -1 for a duplicate; each time the same."""
        for pool in pools:
            drawer = None
            if pool.split is None:
                drawer = SplitDrawer(split_quotas(pool.label_rows.tolist(), self._shares()), self.seed)
            start = 0
            for batch in pool.spool.read():
                stop_if_asked(self.progress)
                kept = pool.kept.slice(start, start + batch.num_rows)
                start += batch.num_rows
                splits = np.full(batch.num_rows, -1, dtype=np.int8)
                if drawer is None:
                    splits[kept] = pool.split
                else:
                    splits[kept] = [drawer.draw(label) for label in batch.column("label").to_numpy()[kept].tolist()]
                yield batch, splits

    def _evaluation_keys(self, pools: list[_Pool]) -> tuple[KeySet, KeySet]:
        """Returns the normalized keys of test, and of validation and test together."""
        test: list[Keys] = []
        both: list[Keys] = []
        for batch, splits in self._assigned(pools):
            for split, into in ((_VALIDATION, [both]), (_TEST, [both, test])):
                chosen = np.flatnonzero(splits == split)
                if len(chosen):
                    keys = normalized_keys(batch.column("text").take(pa.array(chosen)).to_pylist())
                    for keep in into:
                        keep.append(keys)
        return KeySet(test), KeySet(both)

    def _write(self, pools: list[_Pool], test: KeySet, evaluation: KeySet) -> None:
        names = list(self.label_ids)
        seen_in = {_TRAIN: evaluation, _VALIDATION: test}
        overlap = [0, 0, 0]
        characters = [0, 0, 0]
        label_rows = np.zeros((3, len(names)), dtype=np.int64)
        with ExitStack() as stack:
            bar = stack.enter_context(self.progress.bar("splitting", sum(pool.kept.rows for pool in pools)))
            writers = [
                stack.enter_context(ParquetRows(self.out / f"{split}.parquet", TABLE_SCHEMA, ("label", "source")))
                for split in SPLITS
            ]
            for batch, splits in self._assigned(pools):
                for split, writer in enumerate(writers):
                    part = batch.take(pa.array(np.flatnonzero(splits == split)))
                    if split in seen_in and part.num_rows:
                        clean = ~seen_in[split].contains(normalized_keys(part.column("text").to_pylist()))
                        overlap[split] += int((~clean).sum())
                        part = part.filter(pa.array(clean))
                    if part.num_rows:
                        label_rows[split] += np.bincount(part.column("label").to_numpy(), minlength=len(names))
                        characters[split] += pc.sum(pc.utf8_length(part.column("text"))).as_py()
                        writer.write(self._named(part, names))
                bar.advance(batch.num_rows)
        self._count(names, label_rows, characters, overlap)

    def _named(self, batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
        label = pa.array(names).take(batch.column("label"))
        source = pa.array(self.file_names).take(batch.column("file"))
        return pa.record_batch([batch.column("text"), label, source, batch.column("row")], schema=TABLE_SCHEMA)

    def _count(
        self, names: list[str], label_rows: NDArray[np.int64], characters: list[int], overlap: list[int]
    ) -> None:
        by_name = {name: label_rows[:, index] for index, name in enumerate(names)}
        self.counts.update(
            kept=int(label_rows.sum()),
            characters=sum(characters),
            overlap={"train": overlap[_TRAIN], "validation": overlap[_VALIDATION]},
            labels=self._ordered_labels(),
            files={split: [file.name for file in self.files[split]] for split in SPLITS if split in self.files},
            splits={
                split: {
                    "rows": int(label_rows[index].sum()),
                    "characters": characters[index],
                    "labels": {name: int(by_name[name][index]) for name in self._ordered_labels()},
                }
                for index, split in enumerate(SPLITS)
            },
        )


def _name_files(files: list[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"


def _is_whole(name: str) -> bool:
    return name.removeprefix("-").isascii() and name.removeprefix("-").isdigit()


def _add(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    size = max(len(left), len(right))
    return np.pad(left, (0, size - len(left))) + np.pad(right, (0, size - len(right)))
