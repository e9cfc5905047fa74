"""Texts as they come in from files of any kind, with their origin; what could not be read is written down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from penjing.data.checks import check_any
from penjing.data.normalizing import make_normalizer
from penjing.data.rows import RowReader, RowRules
from penjing.data.settings import TextData
from penjing.data.sources import FaultLog, corpus_files, file_size
from penjing.data.sources.source import BATCH_BYTES, BATCH_ROWS
from penjing.errors import DataError
from penjing.files import write_text
from penjing.progress import Progress

FAULTS = "faults.jsonl"
#: A text with where it comes from.
ORIGIN_SCHEMA = pa.schema([("text", pa.string()), ("source", pa.string()), ("row", pa.int64())])
_MOST_NAMED = 100


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
        self._log = FaultLog() if settings.faults == "skip" else None
        self._normalize: Callable[[str], str] | None = None
        self.counts: dict[str, Any] = {"files_read": len(self.files.files)}
        self.counts |= dict.fromkeys((*(("faults",) if self._log is not None else ()), "read", "filtered", "empty"), 0)
        if settings.normalize is not None:
            self._normalize = make_normalizer(settings.normalize)
            self.counts["normalized"] = 0

    def batches(self, progress: Progress) -> Iterator[pa.RecordBatch]:
        """Yields texts by `ORIGIN_SCHEMA`.

        Raises:
            RecipeError: a column is missing.
            DataError: a row cannot be used and faults are refused, or there is none.
            Interrupted: the user asked to stop.
        """
        settings, counts = self._settings, self.counts
        layout = replace(settings.layout, log=self._log)
        reader = RowReader(RowRules(text=settings.text, where=settings.where, empty_text="drop", layout=layout))
        found, waiting = 0, _Waiting()
        for error in self.files.unread:
            layout.report(error)
        with progress.bar("reading", sum(map(file_size, self.files.files)), "bytes") as bar:
            for rows in reader.read(self.files.files):
                texts = self._normalized(rows.texts)
                emptied = [place for place, text in enumerate(texts) if not text]
                if emptied:
                    texts, rows = _without(emptied, texts), replace(rows, rows=_without(emptied, rows.rows))
                amounts = {"read": rows.read, "filtered": rows.filtered, "empty": rows.empty + len(emptied)}
                for name, amount in amounts.items():
                    counts[name] += amount
                found += len(texts)
                bar.advance(rows.consumed)
                waiting.texts += texts
                waiting.sources += [self.files.name_of(rows.file)] * len(texts)
                waiting.rows += rows.rows
                waiting.characters += sum(map(len, texts))
                if len(waiting.texts) >= BATCH_ROWS or waiting.characters >= BATCH_BYTES:
                    yield waiting.take()
        yield waiting.take()
        self._check(reader, found)

    def _normalized(self, texts: list[str]) -> list[str]:
        if self._normalize is None:
            return texts
        normalized = [self._normalize(text) for text in texts]
        self.counts["normalized"] += sum(map(str.__ne__, texts, normalized))
        return normalized

    def _check(self, reader: RowReader, found: int) -> None:
        """Refuses files of which nothing is left; the first fault says why where there is one."""
        if not found and self._log is not None and self._log.faults:
            first = self._log.faults[0]
            raise DataError(first.what, where=first.where, do=first.do)
        check_any(reader, found, ", ".join(self._settings.paths))

    def finish(self, out: Path, progress: Progress) -> dict[str, Any]:
        """Writes what could not be read into ``faults.jsonl`` of a folder, and returns all counts."""
        names = [self.files.names[file] for file in self.files.files]
        counts = {**self.counts, "files": names[:_MOST_NAMED]}
        left_out = self.files.left_out + (self._log.left_out if self._log is not None else Counter())
        if left_out:
            counts["other_files"] = dict(left_out.most_common())
        if self._log is None:
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

    def take(self) -> pa.RecordBatch:
        """Returns them as a batch, and begins anew."""
        columns = [pa.array(self.texts, pa.string()), pa.array(self.sources, pa.string()), self.rows]
        batch = pa.record_batch(columns, schema=ORIGIN_SCHEMA)
        self.texts, self.sources, self.rows, self.characters = [], [], [], 0
        return batch


def _without(places: list[int], values: list[Any]) -> list[Any]:
    gone = set(places)
    return [value for place, value in enumerate(values) if place not in gone]
