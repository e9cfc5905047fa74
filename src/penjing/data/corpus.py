"""Texts for pretraining: read, without duplicates, without the texts that evaluation uses, some held out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penjing.data.checks import check_any
from penjing.data.duplicates import Bits, DuplicateFinder
from penjing.data.keys import KeySet, exact_keys, normalized_keys
from penjing.data.labelled import COUNTS
from penjing.data.reading import iter_texts
from penjing.data.rows import RowReader, RowRules
from penjing.data.settings import TextData, exact_share
from penjing.data.sources import source_files
from penjing.data.storing import ParquetRows, Spool, work_folder
from penjing.errors import DataError
from penjing.files import write_json
from penjing.progress import Progress, stop_if_asked

_SCHEMA = pa.schema([("text", pa.string())])
_MOST_HELD_OUT = 1000


def build_corpus(settings: TextData, labelled: Path | None, seed: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Fills a folder with ``texts.parquet``, ``held_out.parquet`` (each with the column ``text``) and ``counts.json``.

    Where there are no labelled rows to test on, ``test.parquet`` is written too, of as many texts as
    ``held_out.parquet``: the one chooses the best weights, on the other they are measured.

    Duplicates are dropped, the first kept. Which texts are held out, and which remain under ``max_documents``, goes by
    a hash of the text and the seed: an even draw that hardly changes when texts are added.

    Args:
        settings: where the texts are.
        labelled: the folder that `penjing.data.labelled.build_labelled` filled, if any: texts whose normalized form is
            in its validation or test are removed, and its training texts are added if the settings say so.
        seed: decides what is held out.
        out: an existing, empty folder.
        progress: told how far the reading is.

    Returns:
        What ``counts.json`` holds.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a file cannot be used, or there are too few texts.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    return _Build(settings, labelled, seed, out, progress).run()


class _Build:
    """One build, with what it counts on the way."""

    def __init__(self, settings: TextData, labelled: Path | None, seed: int, out: Path, progress: Progress) -> None:
        self.settings, self.labelled, self.seed, self.out, self.progress = settings, labelled, seed, out, progress
        self.files = list(dict.fromkeys(file for address in settings.paths for file in source_files(address)))
        self.counts: dict[str, Any] = dict.fromkeys(
            ("read", "filtered", "empty", "from_training", "in_evaluation", "duplicates", "left_out"), 0
        )

    def run(self) -> dict[str, Any]:
        with work_folder(self.out) as work:
            finder = DuplicateFinder(work)
            spool = Spool(work / "texts.arrow", _SCHEMA)
            self._read(spool, finder)
            self._write(spool, *self._choose(finder))
            write_json(self.out / COUNTS, self.counts)
        return self.counts

    def _read(self, spool: Spool, finder: DuplicateFinder) -> None:
        evaluation = KeySet(self._evaluation_keys())
        with spool.writing() as write:
            for texts in self._texts():
                stop_if_asked(self.progress)
                if len(evaluation) and texts:
                    clean = ~evaluation.contains(normalized_keys(texts))
                    self.counts["in_evaluation"] += int((~clean).sum())
                    texts = [text for text, keep in zip(texts, clean.tolist(), strict=True) if keep]
                finder.add(exact_keys(texts, self.seed))
                write([pa.array(texts, pa.string())])

    def _evaluation_keys(self) -> Iterator[Any]:
        if self.labelled is not None:
            for split in ("validation", "test"):
                for texts in iter_texts(self.labelled / f"{split}.parquet"):
                    yield normalized_keys(texts)

    def _texts(self) -> Iterator[list[str]]:
        settings = self.settings
        reader = RowReader(
            RowRules(text=settings.text, where=settings.where, empty_text="drop", layout=settings.layout)
        )
        found = 0
        with self.progress.bar("reading", sum(file.stat().st_size for file in self.files), "bytes") as bar:
            for rows in reader.read(self.files):
                for name, amount in (("read", rows.read), ("filtered", rows.filtered), ("empty", rows.empty)):
                    self.counts[name] += amount
                found += len(rows.texts)
                yield rows.texts
                bar.advance(rows.consumed)
        check_any(reader, found, ", ".join(settings.paths))
        if self.labelled is not None and settings.include_training_texts:
            for texts in iter_texts(self.labelled / "train.parquet"):
                self.counts["from_training"] += len(texts)
                yield texts

    def _choose(self, finder: DuplicateFinder) -> tuple[Bits, Bits, Bits | None]:
        """Returns which rows are used, which of them held out: those whose keys come first, and which are for the test.

        The number of texts is known only once all buckets were read, so the first keys are remembered up to the most
        that can be held out.
        """
        used, held_out = Bits(finder.rows), Bits(finder.rows)
        most = self.settings.max_documents
        kept = 0
        first = np.empty(0, dtype=np.int64)
        for unique in finder.unique():
            stop_if_asked(self.progress)
            self.counts["duplicates"] += unique.duplicates
            rows = unique.rows if most is None else unique.rows[: max(0, most - kept)]
            self.counts["left_out"] += len(unique.rows) - len(rows)
            kept += len(rows)
            used.set(rows)
            first = np.concatenate([first, rows[: 2 * _MOST_HELD_OUT - len(first)]])
        parts = 2 if self.labelled is not None else 3
        if kept < parts:
            raise DataError(
                f"{kept} different texts are left; at least {parts} are needed, one to learn from and one to hold out"
                + (" and one to test on" if parts == 3 else ""),
                where=", ".join(self.settings.paths),
                do="Add texts.",
            )
        count = max(1, round(kept * exact_share(self.settings.held_out)))
        count = min(_MOST_HELD_OUT, count, (kept - 1) // (parts - 1))
        held_out.set(first[:count])
        if parts == 2:
            return used, held_out, None
        test = Bits(finder.rows)
        test.set(first[count : 2 * count])
        return used, held_out, test

    def _write(self, spool: Spool, used: Bits, held_out: Bits, test: Bits | None) -> None:
        chosen = {"held_out": held_out} if test is None else {"held_out": held_out, "test": test}
        names = ("texts", *chosen)
        characters = dict.fromkeys(names, 0)
        with ExitStack() as stack:
            bar = stack.enter_context(self.progress.bar("writing", used.rows))
            writers = {name: stack.enter_context(ParquetRows(self.out / f"{name}.parquet", _SCHEMA)) for name in names}
            start = 0
            for batch in spool.read():
                stop_if_asked(self.progress)
                stop = start + batch.num_rows
                rows = {name: bits.slice(start, stop) for name, bits in chosen.items()}
                rows["texts"] = used.slice(start, stop)
                for taken in chosen:
                    rows["texts"] = rows["texts"] & ~rows[taken]
                for name, writer in writers.items():
                    part = batch.filter(pa.array(rows[name]))
                    characters[name] += pc.sum(pc.utf8_length(part.column("text"))).as_py() or 0
                    writer.write(part)
                start = stop
                bar.advance(batch.num_rows)
        self.counts |= {"documents": writers["texts"].rows, "characters": characters["texts"]}
        for name in chosen:
            self.counts |= {name: writers[name].rows, f"{name}_characters": characters[name]}
        self.counts["files"] = [file.name for file in self.files]
