"""Texts for pretraining: read, without duplicates, without the texts that evaluation uses, some held out.

Every text keeps its id and its origin. A text that a filter drops, or that is a near duplicate, is kept beside with the
reason.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from penjing.data.cleaning import DROPPED_SCHEMA, TEXT_SCHEMA, Tally, cleaning_counts, cut_paragraphs
from penjing.data.duplicates import Bits, DuplicateFinder
from penjing.data.engine import IN_THIS_PROCESS, EngineSettings, make_engine
from penjing.data.intake import ORIGIN_SCHEMA, Intake
from penjing.data.keys import ID_LENGTH, KeySet, exact_keys, normalized_keys, text_ids
from penjing.data.labelled import COUNTS
from penjing.data.near_duplicates import NearDuplicateFinder
from penjing.data.paragraphs import ParagraphFinder
from penjing.data.preparing import Incoming, make_preparation
from penjing.data.reading import iter_texts, iter_traced
from penjing.data.settings import TextData, exact_share
from penjing.data.storing import ParquetRows, Spool, work_folder
from penjing.errors import DataError
from penjing.files import write_json
from penjing.progress import Progress, stop_if_asked

_MOST_HELD_OUT = 1000
_WORTH_WORKERS_BYTES = 5 << 20  # of files; processes take seconds to start


def build_corpus(
    settings: TextData,
    labelled: Path | None,
    seed: int,
    out: Path,
    progress: Progress,
    engine: EngineSettings = IN_THIS_PROCESS,
) -> dict[str, Any]:
    """Fills a folder with ``texts.parquet``, ``held_out.parquet`` and ``counts.json``.

    Where there are no labelled rows to test on, ``test.parquet`` is written too, of as many texts as
    ``held_out.parquet``: the one chooses the best weights, on the other they are measured. The columns are ``text``,
    ``id`` (a hash of the text), ``source`` (the file's name) and ``row`` (its number there).

    Duplicates are dropped, the first kept. Where the settings ask for it, so are texts that a filter refuses, and near
    duplicates. Those two kinds are written into ``dropped.parquet``, with a ``reason`` and, of a filter, the ``value``
    and what was allowed (``low``, ``high``), of a near duplicate, the id of the text that it is ``like``.

    Which texts are held out, and which remain under ``max_documents``, goes by a hash of the text and the seed: an even
    draw that hardly changes when texts are added.

    Args:
        settings: where the texts are.
        labelled: the folder that `penjing.data.labelled.build_labelled` filled, if any: texts whose normalized form is
            in its validation or test are removed, and its training texts are added if the settings say so.
        seed: decides what is held out.
        out: an existing, empty folder.
        progress: told how far the reading is.
        engine: where texts are normalized and cleaned; what is written is the same to the byte.

    Returns:
        What ``counts.json`` holds.

    Raises:
        RecipeError: a file or a column is missing.
        DataError: a file cannot be used, or there are too few texts.
        DiskFullError: the disk has no room.
        MissingExtraError: a package is not installed that the settings need, or the engine.
        PenjingError: a worker has died.
        Interrupted: the user asked to stop.
    """
    return _Build(settings, labelled, seed, out, progress, engine).run()


class _Build:
    """One build, with what it counts on the way."""

    def __init__(
        self,
        settings: TextData,
        labelled: Path | None,
        seed: int,
        out: Path,
        progress: Progress,
        engine: EngineSettings,
    ) -> None:
        self.settings, self.labelled, self.seed, self.out, self.progress = settings, labelled, seed, out, progress
        self.intake, self.removed = Intake(settings), frozenset(settings.removed)
        self.tally = Tally()
        self.cleaned = cleaning_counts(settings)
        is_costly = bool(self.cleaned) or settings.normalize is not None
        is_worth_workers = is_costly and self.intake.size_bytes() >= _WORTH_WORKERS_BYTES
        self.engine = make_engine(engine, is_worth_workers=is_worth_workers)
        near = () if settings.near_duplicates is None else ("near_duplicates",)
        again = ("paragraphs", "emptied") if settings.paragraph_duplicates else ()
        removed = ("removed",) if settings.removed else ()
        met = (*self.intake.counts, "from_training", "in_evaluation", *self.cleaned, *again, *removed)
        self.counts: dict[str, Any] = dict.fromkeys((*met, "duplicates", *near, "left_out"), 0)

    def run(self) -> dict[str, Any]:
        with ExitStack() as stack:
            work = stack.enter_context(work_folder(self.out))
            finder, near = DuplicateFinder(work), self._near_finder(work)
            spool = Spool(work / "texts.arrow", ORIGIN_SCHEMA)
            dropped = None
            if self.cleaned or near is not None or self.settings.paragraph_duplicates:
                rows = ParquetRows(self.out / "dropped.parquet", DROPPED_SCHEMA, ("source", "reason"))
                dropped = stack.enter_context(rows)
            with closing(self._clean(dropped)) as clean, spool.writing() as write:
                for batch in self._distinct_paragraphs(work, clean, dropped):
                    batch = self._without_removed(batch)
                    texts = batch.column("text").to_pylist()
                    finder.add(exact_keys(texts, self.seed))
                    if near is not None:
                        near.add(texts)
                    write(batch.columns)
            first = None if near is None else near.find(self.progress)
            self._write(spool, self._choose(finder, first), first, dropped)
            self.counts |= self.intake.finish(self.out, self.progress)
            if self.tally.reasons:
                self.counts["reasons"] = dict(self.tally.reasons.most_common())
            if self.tally.personal:
                self.counts["personal_data"] = dict(self.tally.personal.most_common())
            write_json(self.out / COUNTS, self.counts)
        return self.counts

    def _near_finder(self, work: Path) -> NearDuplicateFinder | None:
        if self.settings.near_duplicates is None:
            return None
        folder = work / "near"
        folder.mkdir()
        return NearDuplicateFinder(folder, self.settings.near_duplicates)

    def _clean(self, dropped: ParquetRows | None) -> Generator[pa.RecordBatch]:
        """Yields texts that no rule of the recipe refuses; what one does is written beside."""
        preparation = make_preparation(self.settings, KeySet(self._evaluation_keys()))
        with closing(self.engine.map(preparation, self._incoming())) as results:
            for prepared in results:
                stop_if_asked(self.progress)
                self.tally.add(prepared.tally)
                if dropped is not None:
                    dropped.write(self._not_removed(prepared.dropped))
                yield prepared.kept
        counted = self.tally.counts
        self.intake.settle(counted["normalized"], counted["emptied"])
        self.counts |= self.intake.counts
        self.counts |= {name: counted[name] for name in ("in_evaluation", *self.cleaned)}

    def _distinct_paragraphs(
        self, work: Path, batches: Iterator[pa.RecordBatch], dropped: ParquetRows | None
    ) -> Iterator[pa.RecordBatch]:
        """Yields the texts without paragraphs that came before, if the settings ask for that."""
        if not self.settings.paragraph_duplicates or dropped is None:
            yield from batches
            return
        folder = work / "paragraphs"
        folder.mkdir()
        finder, spool = ParagraphFinder(folder), Spool(work / "whole.arrow", ORIGIN_SCHEMA)
        with spool.writing() as write:
            for batch in batches:
                finder.add(batch.column("text").to_pylist())
                write(batch.columns)
        finder.find()
        for batch in spool.read():
            stop_if_asked(self.progress)
            kept, cut = cut_paragraphs(finder, batch, self.removed)
            self.counts["paragraphs"] += cut.num_rows
            self.counts["emptied"] += batch.num_rows - kept.num_rows
            dropped.write(cut)
            yield kept
        spool.path.unlink()

    def _without_removed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        kept = self._not_removed(batch)
        if self.removed:
            self.counts["removed"] += batch.num_rows - kept.num_rows
        return kept

    def _not_removed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self.removed:
            return batch
        kept = [key not in self.removed for key in text_ids(batch.column("text").to_pylist())]
        return batch.filter(pa.array(kept, pa.bool_()))

    def _evaluation_keys(self) -> Iterator[Any]:
        if self.labelled is not None:
            for split in ("validation", "test"):
                for texts in iter_texts(self.labelled / f"{split}.parquet"):
                    yield normalized_keys(texts)

    def _incoming(self) -> Iterator[Incoming]:
        """Yields texts with the file and row that they come from; labelled ones have had their form already."""
        for batch in self.intake.batches(self.progress):
            yield Incoming(batch, is_raw=True)
        if self.labelled is not None and self.settings.include_training_texts:
            for batch in iter_traced(self.labelled / "train.parquet"):
                self.counts["from_training"] += batch.num_rows
                yield Incoming(batch, is_raw=False)

    def _choose(self, finder: DuplicateFinder, first_alike: NDArray[np.int64] | None) -> dict[str, Bits]:
        """Returns which rows go into which file; those that are held out, or for the test, have the first keys.

        The number of texts is known only once all buckets were read, so the first keys are remembered up to the most
        that can be held out.
        """
        used, held_out, dropped = (Bits(finder.rows) for _ in range(3))
        most = self.settings.max_documents
        kept = 0
        first = np.empty(0, dtype=np.int64)
        for unique in finder.unique():
            stop_if_asked(self.progress)
            self.counts["duplicates"] += unique.duplicates
            different = unique.rows
            if first_alike is not None:
                is_first = first_alike[different] == different
                dropped.set(different[~is_first])
                self.counts["near_duplicates"] += int((~is_first).sum())
                different = different[is_first]
            rows = different if most is None else different[: max(0, most - kept)]
            self.counts["left_out"] += len(different) - len(rows)
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
        used.clear(first[: (parts - 1) * count])
        chosen = {"texts": used, "held_out": held_out}
        if parts == 3:
            chosen["test"] = Bits(finder.rows)
            chosen["test"].set(first[count : 2 * count])
        return chosen if first_alike is None else {**chosen, "dropped": dropped}

    def _write(
        self,
        spool: Spool,
        chosen: dict[str, Bits],
        first_alike: NDArray[np.int64] | None,
        dropped: ParquetRows | None,
    ) -> None:
        near = chosen.pop("dropped", None)
        characters = dict.fromkeys(chosen, 0)
        like = None if first_alike is None else _Likenesses(first_alike)
        with ExitStack() as stack:
            bar = stack.enter_context(self.progress.bar("writing", chosen["texts"].rows))
            writers = {
                name: stack.enter_context(ParquetRows(self.out / f"{name}.parquet", TEXT_SCHEMA, ("source",)))
                for name in chosen
            }
            start = 0
            for batch in spool.read():
                stop_if_asked(self.progress)
                rows = np.arange(start, start + batch.num_rows)
                start += batch.num_rows
                ids = text_ids(batch.column("text").to_pylist())
                columns = [batch.column("text"), pa.array(ids), batch.column("source"), batch.column("row")]
                for name, writer in writers.items():
                    taken = pa.array(chosen[name].slice(rows[0], start))
                    part = pa.record_batch(columns, schema=TEXT_SCHEMA).filter(taken)
                    characters[name] += pc.sum(pc.utf8_length(part.column("text"))).as_py() or 0
                    writer.write(part)
                if like is not None and near is not None and dropped is not None:
                    like.note(rows, ids)
                    why = [
                        pa.array(["near duplicate"] * len(rows)),
                        like.of(rows),
                        *[pa.nulls(len(rows), pa.float64())] * 3,
                    ]
                    part = pa.record_batch([*columns, *why], schema=DROPPED_SCHEMA)
                    dropped.write(part.filter(pa.array(near.slice(rows[0], start))))
                bar.advance(batch.num_rows)
        self.counts |= {"documents": writers["texts"].rows, "characters": characters["texts"]}
        for name in [name for name in chosen if name != "texts"]:
            self.counts |= {name: writers[name].rows, f"{name}_characters": characters[name]}


class _Likenesses:
    """The ids of the texts that near duplicates are like; those come before them.

    Args:
        first: the first row of each row's group, [rows].
    """

    def __init__(self, first: NDArray[np.int64]) -> None:
        self._first = first
        self._heads = np.unique(first[first != np.arange(len(first))])
        self._ids = np.empty(len(self._heads), dtype=f"U{ID_LENGTH}")

    def note(self, rows: NDArray[np.int64], ids: list[str]) -> None:
        """Remembers the ids of those of some rows, a range, that others are like."""
        start, stop = np.searchsorted(self._heads, [rows[0], rows[-1] + 1])
        self._ids[start:stop] = [ids[row - rows[0]] for row in self._heads[start:stop]]

    def of(self, rows: NDArray[np.int64]) -> pa.Array:
        """Returns the ids of what some rows are like; null where they are like none before them."""
        first = self._first[rows]
        if not len(self._heads):
            return pa.nulls(len(rows), pa.string())
        places = np.minimum(np.searchsorted(self._heads, first), len(self._heads) - 1)
        return pa.array(self._ids[places].tolist(), pa.string(), mask=first == rows)
