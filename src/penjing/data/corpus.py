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
            used, held_out = self._choose(finder)
            self._write(spool, used, held_out)
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

    def _choose(self, finder: DuplicateFinder) -> tuple[Bits, Bits]:
        """Returns which rows are used, and which held out: those whose keys come first.

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
            first = np.concatenate([first, rows[: _MOST_HELD_OUT - len(first)]])
        if kept < 2:
            raise DataError(
                f"{kept} different texts are left; at least 2 are needed, one to learn from and one to hold out",
                where=", ".join(self.settings.paths),
                do="Add texts.",
            )
        count = min(_MOST_HELD_OUT, max(1, round(kept * exact_share(self.settings.held_out))), kept - 1)
        held_out.set(first[:count])
        return used, held_out

    def _write(self, spool: Spool, used: Bits, held_out: Bits) -> None:
        characters = [0, 0]
        with ExitStack() as stack:
            bar = stack.enter_context(self.progress.bar("writing", used.rows))
            names = ("texts", "held_out")
            writers = [stack.enter_context(ParquetRows(self.out / f"{name}.parquet", _SCHEMA)) for name in names]
            start = 0
            for batch in spool.read():
                stop_if_asked(self.progress)
                stop = start + batch.num_rows
                held = held_out.slice(start, stop)
                for index, chosen in enumerate((used.slice(start, stop) & ~held, held)):
                    part = batch.filter(pa.array(chosen))
                    characters[index] += pc.sum(pc.utf8_length(part.column("text"))).as_py() or 0
                    writers[index].write(part)
                start = stop
                bar.advance(batch.num_rows)
        self.counts.update(
            documents=writers[0].rows,
            characters=characters[0],
            held_out=writers[1].rows,
            held_out_characters=characters[1],
            files=[file.name for file in self.files],
        )
