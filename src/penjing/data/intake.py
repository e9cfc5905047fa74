"""Texts as they come in from files of any kind, with their origin; what could not be read is written down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from penjing.data.checks import check_any
from penjing.data.rows import RowReader, RowRules, TextRows
from penjing.data.settings import TextData
from penjing.data.sources import FaultLog, Layout, corpus_files, file_size
from penjing.data.sources.faults import Fault, FaultMark
from penjing.data.sources.source import BATCH_BYTES, BATCH_ROWS
from penjing.errors import DataError
from penjing.files import write_text
from penjing.progress import Progress

FAULTS = "faults.jsonl"
#: A text with where it comes from.
ORIGIN_SCHEMA = pa.schema([("text", pa.string()), ("source", pa.string()), ("row", pa.int64())])
_MOST_NAMED = 100


@dataclass(frozen=True)
class Border:
    """Where a file begins, and what was counted before it.

    Attributes:
        file: its place among the files; their number stands for the end.
        counts: as of `Intake`.
        found: how many texts were found.
        faults: how far their log was.
    """

    file: int
    counts: dict[str, int]
    found: int
    faults: FaultMark


@dataclass(frozen=True)
class Reached:
    """How far the reading is: another intake of the same files can go on from there.

    Attributes:
        border: the beginning of the file that is read.
        texts: how many of its texts are given out.
    """

    border: Border
    texts: int


class Incomings(NamedTuple):
    """Texts, and how far the reading is with them.

    Attributes:
        batch: by `ORIGIN_SCHEMA`.
        reached: where the next ones begin.
    """

    batch: pa.RecordBatch
    reached: Reached


class Intake:
    """Reads the files of a corpus.

    Args:
        settings: where they are, and how they are read.

    Raises:
        RecipeError: a file is missing.
        DataError: what is to be fetched cannot be reached.
        MissingExtraError: a package is not installed.

    Attributes:
        files: what is read.
        counts: rows by what became of them; 0 for all that is asked for, at first.
    """

    def __init__(self, settings: TextData) -> None:
        self._settings = settings
        self.files = corpus_files(settings.paths)
        self._log = FaultLog()
        self._is_skipping = settings.faults == "skip"
        self._first: Reached | None = None
        rules = RowRules(text=settings.text, where=settings.where, empty_text="drop", layout=self._layout())
        self._reader = RowReader(rules)
        self._found = 0
        self.counts: dict[str, Any] = {"files_read": len(self.files.files)}
        self.counts |= dict.fromkeys((*(("faults",) if self._is_skipping else ()), "read", "filtered", "empty"), 0)
        if settings.normalize is not None:
            self.counts["normalized"] = 0

    def _layout(self) -> Layout:
        return replace(self._settings.layout, log=self._log if self._is_skipping else None)

    def size_bytes(self) -> int:
        """Returns the bytes of all files, as they are on disk."""
        return sum(map(file_size, self.files.files))

    @property
    def faults(self) -> list[Fault]:
        """What could not be read so far, the first 10,000 of them."""
        return self._log.faults

    def go_on(self, reached: Reached, faults: Sequence[Fault]) -> None:
        """Makes `batches` go on from where an intake of the same files and settings has stopped.

        Args:
            reached: how far that was.
            faults: its list, up to there at least.
        """
        self._first, self._found = reached, reached.border.found
        self.counts |= reached.border.counts
        self._log.go_on(reached.border.faults, faults)

    def batches(self, progress: Progress) -> Iterator[Incomings]:
        """Yields texts as they are in the files.

        Raises:
            RecipeError: a column is missing.
            DataError: a row cannot be used and faults are refused.
        """
        waiting = _Waiting()
        first, already = (0, 0) if self._first is None else (self._first.border.file, self._first.texts)
        if self._first is None:
            for error in self.files.unread:
                self._layout().report(error)
        with progress.bar("reading", self.size_bytes(), "bytes") as bar:
            bar.advance(sum(map(file_size, self.files.files[:first])))
            for number, file in enumerate(self.files.files[first:], start=first):
                border, given = self._border(number), 0
                for rows in self._reader.read([file]):
                    self._count(rows)
                    bar.advance(rows.consumed)
                    waiting.add(rows, self.files.name_of(rows.file), skipped=max(0, already - given))
                    given += len(rows.texts)
                    if waiting.is_full:
                        yield Incomings(waiting.take(), Reached(border, given))
                already = 0
        if first < len(self.files.files):
            yield Incomings(waiting.take(), Reached(self._border(len(self.files.files)), 0))

    def _border(self, file: int) -> Border:
        return Border(file, dict(self.counts), self._found, self._log.mark())

    def _count(self, rows: TextRows) -> None:
        for name, amount in {"read": rows.read, "filtered": rows.filtered, "empty": rows.empty}.items():
            self.counts[name] += amount
        self._found += len(rows.texts)

    def settle(self, normalized: int, emptied: int) -> None:
        """Counts what came of all texts in their normal form.

        Args:
            normalized: how many were changed.
            emptied: how many of them are empty now, and left out.

        Raises:
            DataError: none is left; the first fault says why where there is one.
        """
        if "normalized" in self.counts:
            self.counts["normalized"] += normalized
        self.counts["empty"] += emptied
        left = self._found - emptied
        if not left and self._log.faults:
            first = self._log.faults[0]
            raise DataError(first.what, where=first.where, do=first.do)
        check_any(self._reader, left, ", ".join(self._settings.paths))

    def finish(self, out: Path, progress: Progress) -> dict[str, Any]:
        """Writes what could not be read into ``faults.jsonl`` of a folder, and returns all counts."""
        names = [self.files.names[file] for file in self.files.files]
        counts = {**self.counts, "files": names[:_MOST_NAMED]}
        left_out = self.files.left_out + self._log.left_out
        if left_out:
            counts["other_files"] = dict(left_out.most_common())
        if not self._is_skipping:
            return counts
        counts |= {"faults": self._log.count, "encodings": dict(self._log.encodings.most_common())}
        if self._log.faults:
            write_text(
                out / FAULTS,
                "".join(json.dumps(asdict(fault), ensure_ascii=False) + "\n" for fault in self._log.faults),
            )
            first = self._log.faults[0]
            listed = "All" if len(self._log.faults) == self._log.count else f"The first {len(self._log.faults):,}"
            progress.say(
                f"corpus: {self._log.count:,} faults of rows or files, which are left out; the first: "
                f"{DataError(first.what, where=first.where)} {listed} are in {out.name.removesuffix('.part')}/{FAULTS}"
            )
        return counts


@dataclass
class _Waiting:
    """Texts of one file or many that are to be a batch."""

    texts: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    characters: int = 0

    @property
    def is_full(self) -> bool:
        """Whether they make a batch."""
        return len(self.texts) >= BATCH_ROWS or self.characters >= BATCH_BYTES

    def add(self, rows: TextRows, source: str, skipped: int) -> None:
        """Adds the texts of some rows of a file, without the first ones."""
        texts = rows.texts[skipped:]
        self.texts += texts
        self.sources += [source] * len(texts)
        self.rows += rows.rows[skipped:]
        self.characters += sum(map(len, texts))

    def take(self) -> pa.RecordBatch:
        """Returns them as a batch, and begins anew."""
        columns = [pa.array(self.texts, pa.string()), pa.array(self.sources, pa.string()), self.rows]
        batch = pa.record_batch(columns, schema=ORIGIN_SCHEMA)
        self.texts, self.sources, self.rows, self.characters = [], [], [], 0
        return batch
