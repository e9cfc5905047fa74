"""Texts for pretraining: read, without duplicates, without the texts that evaluation uses, some held out.

Every text keeps its id and its origin. A text that a filter drops, or that is a near duplicate, is kept beside with the
reason.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

import penjing
from penjing.data.cleaning import DROPPED_SCHEMA, TEXT_SCHEMA, cleaning_counts, cut_paragraphs
from penjing.data.dividing import COUNTS
from penjing.data.duplicates import Bits, DuplicateFinder
from penjing.data.engine import IN_THIS_PROCESS, EngineSettings, make_engine
from penjing.data.intake import Intake
from penjing.data.keys import ID_LENGTH, exact_keys, text_ids
from penjing.data.measured import index_texts
from penjing.data.minhash import SIGNATURES, signing_versions
from penjing.data.near_duplicates import NearDuplicateFinder
from penjing.data.paragraphs import ParagraphFinder
from penjing.data.parts import Done, PreparedParts
from penjing.data.preparing import Incoming, make_preparation, prepared_schema
from penjing.data.reading import iter_texts, iter_traced
from penjing.data.settings import TextData, exact_share
from penjing.data.storing import ParquetRows, Spool, work_folder
from penjing.errors import DataError
from penjing.files import write_json
from penjing.hashing import hash_json
from penjing.progress import Progress, stop_if_asked

_MOST_HELD_OUT = 1000
_WORTH_WORKERS_BYTES = 5 << 20  # of files; processes take seconds to start
_MEASURED = ("in_evaluation", "containing_evaluation")
#: What a build that was stopped goes on from, in the folder that it fills; of no use when all is done.
PARTS = ".parts"
_PART_EVERY_S = 3.0  # so much work is lost at most when the process is killed; a part takes 16 ms to finish

Batches = Iterator[pa.RecordBatch]


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

    Texts that were read, cleaned and signed are kept beside, in parts (`PARTS`): a build that was killed, or stopped,
    goes on after the last part if it is called again with the same settings and files. Who calls it removes them.

    Args:
        settings: where the texts are.
        labelled: the folder that `penjing.data.labelled.build_labelled` filled, if any: texts whose normalized form is
            in its validation or test, or contains a text of these (`penjing.data.measured`), are removed, and its
            training texts are added if the settings say so.
        seed: decides what is held out.
        out: an existing folder; empty, or what a build with the same settings and files has left that was stopped.
        progress: told how far the reading is.
        engine: where texts are normalized, cleaned and signed; what is written is the same to the byte.

    Returns:
        What ``counts.json`` holds; ``seconds`` and, where the machine tells, ``energy_j``, over all sittings.

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
        self.schema = prepared_schema(settings)
        self.done: deque[Done] = deque()  # of the batches that are worked on, in order
        self.cleaned = cleaning_counts(settings)
        is_costly = bool(self.cleaned) or settings.normalize is not None
        is_worth_workers = is_costly and self.intake.size_bytes() >= _WORTH_WORKERS_BYTES
        self.engine = make_engine(engine, is_worth_workers=is_worth_workers)
        near = () if settings.near_duplicates is None else ("near_duplicates",)
        again = ("paragraphs", "emptied") if settings.paragraph_duplicates else ()
        removed = ("removed",) if settings.removed else ()
        met = (*self.intake.counts, "from_training", *_MEASURED, *self.cleaned, *again, *removed)
        self.counts: dict[str, Any] = dict.fromkeys((*met, "duplicates", *near, "left_out"), 0)

    def run(self) -> dict[str, Any]:
        with ExitStack() as stack:
            work = stack.enter_context(work_folder(self.out))
            finder, near = DuplicateFinder(work), self._near_finder(work)
            parts = PreparedParts(self.out / PARTS, self._origin(), _PART_EVERY_S, self.schema)
            stack.enter_context(parts)
            dropped = None
            if self.cleaned or near is not None or self.settings.paragraph_duplicates:
                rows = ParquetRows(self.out / "dropped.parquet", DROPPED_SCHEMA, ("source", "reason"))
                dropped = stack.enter_context(rows)
            with closing(self._clean(parts, dropped)) as clean:
                batches: Batches = clean
                again: Callable[[], Batches] = parts.kept
                if self.settings.paragraph_duplicates and dropped is not None:
                    spool = Spool(work / "texts.arrow", self.schema)
                    batches, again = self._cut_paragraphs(work, clean, parts, spool, dropped), spool.read
                for batch in batches:
                    left = self._without_removed(batch)
                    texts = left.column("text").to_pylist()
                    finder.add(exact_keys(texts, self.seed))
                    if near is not None:
                        near.add(texts, left.column(SIGNATURES.name))
            first = None if near is None else near.find(self.progress)
            self._write(map(self._not_removed, again()), self._choose(finder, first), first, dropped)
            self.counts |= self.intake.finish(self.out, self.progress)
            if parts.tally.reasons:
                self.counts["reasons"] = dict(parts.tally.reasons.most_common())
            if parts.tally.personal:
                self.counts["personal_data"] = dict(parts.tally.personal.most_common())
            write_json(self.out / COUNTS, self.counts)
        return {**self.counts, "seconds": parts.sitting.seconds, "energy_j": parts.sitting.energy_j}

    def _origin(self) -> str:
        """Returns what decides the texts, as a hash; of files, it is enough that they were not written since."""
        files = [*self.intake.files.files, *(sorted(self.labelled.iterdir()) if self.labelled is not None else ())]
        times = [[str(file), stat.st_size, stat.st_mtime_ns] for file in files if (stat := _stat(file)) is not None]
        versions = [penjing.__version__, *(() if self.settings.near_duplicates is None else signing_versions())]
        return hash_json([versions, self.settings.model_dump(mode="json"), self.seed, times])

    def _near_finder(self, work: Path) -> NearDuplicateFinder | None:
        if self.settings.near_duplicates is None:
            return None
        folder = work / "near"
        folder.mkdir()
        return NearDuplicateFinder(folder, self.settings.near_duplicates)

    def _clean(self, parts: PreparedParts, dropped: ParquetRows | None) -> Generator[pa.RecordBatch]:
        """Yields texts that no rule of the recipe refuses; what one does is written beside."""
        preparation = make_preparation(self.settings, index_texts(self._evaluation_texts()))
        self._go_on(parts)
        yield from parts.kept()
        with closing(self.engine.map(preparation, self._incoming(parts.done))) as results:
            for prepared in results:
                parts.add(prepared, self.done.popleft(), self.intake.faults)
                if self.progress.should_stop():
                    parts.finish(self.intake.faults)
                    stop_if_asked(self.progress)
                yield prepared.kept
        parts.finish(self.intake.faults)
        if dropped is not None:
            for batch in parts.dropped():
                dropped.write(self._not_removed(batch))
        counted = parts.tally.counts
        self.intake.settle(counted["normalized"], counted["emptied"])
        self.counts |= self.intake.counts
        self.counts |= {name: counted[name] for name in (*_MEASURED, *self.cleaned)}

    def _go_on(self, parts: PreparedParts) -> None:
        """Makes the reading go on after what is done, and says so."""
        if parts.done is None:
            return
        reached = parts.done.reached
        self.intake.go_on(reached, parts.faults)
        texts = reached.border.found + reached.texts
        done = "read and cleaned" if self.settings.near_duplicates is None else "read, cleaned and signed"
        self.progress.say(f"corpus: going on; {texts:,} texts have been {done}")

    def _cut_paragraphs(
        self, work: Path, batches: Batches, parts: PreparedParts, spool: Spool, dropped: ParquetRows
    ) -> Batches:
        """Yields the texts without paragraphs that came before, and writes them into a spool.

        Args:
            work: a folder for work in progress.
            batches: the texts for the first time; they are in the parts then.
            parts: the texts for the second time.
            spool: takes what is left of them.
            dropped: takes what is cut out.
        """
        folder = work / "paragraphs"
        folder.mkdir()
        finder = ParagraphFinder(folder)
        for batch in batches:
            finder.add(batch.column("text").to_pylist())
        finder.find()
        with spool.writing() as write:
            for batch in parts.kept():
                stop_if_asked(self.progress)
                kept, cut = cut_paragraphs(finder, batch, self.removed)
                self.counts["paragraphs"] += cut.num_rows
                self.counts["emptied"] += batch.num_rows - kept.num_rows
                dropped.write(cut)
                write(kept.columns)
                yield kept

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

    def _evaluation_texts(self) -> Iterator[list[str]]:
        if self.labelled is not None:
            for split in ("validation", "test"):
                yield from iter_texts(self.labelled / f"{split}.parquet")

    def _incoming(self, before: Done | None) -> Iterator[Incoming]:
        """Yields texts with the file and row that they come from; labelled ones have had their form already.

        Args:
            before: what was done when this began.
        """
        done = before
        for batch, reached in self.intake.batches(self.progress):
            done = Done(reached)
            self.done.append(done)
            yield Incoming(batch, is_raw=True)
        if self.labelled is None or not self.settings.include_training_texts:
            return
        assert done is not None  # there is a file
        for number, batch in enumerate(iter_traced(self.labelled / "train.parquet"), start=1):
            self.counts["from_training"] += batch.num_rows
            if number > done.training:
                self.done.append(Done(done.reached, number))
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
        batches: Batches,
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
            for batch in filter(len, batches):
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


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None  # who reads it says so


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
