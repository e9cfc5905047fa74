"""A look into a corpus: what was counted, how long its texts are, where they come from, and examples of both sides."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from penjing.data.dividing import COUNTS
from penjing.data.intake import FAULTS
from penjing.data.keys import text_ids
from penjing.data.sources import Fault
from penjing.errors import UsageError
from penjing.files import read_json

_KEPT = ("texts", "held_out", "test")
_LABELLED = ("train", "validation", "test")
_DROPPED = "dropped"
_MOST_SOURCES = 12


@dataclass(frozen=True)
class Document:
    """A text of a corpus.

    Attributes:
        id: a hash of the text.
        source: name of its file.
        row: its number there.
        part: what it is for: ``texts``, to learn from; ``held_out``; ``test``; ``dropped``; or, of a labelled row,
            ``labelled.train``, ``labelled.validation`` or ``labelled.test``.
        text: all of it.
    """

    id: str
    source: str
    row: int
    part: str
    text: str


@dataclass(frozen=True)
class DroppedDocument:
    """A text that was left out.

    Attributes:
        document: the text.
        reason: why: ``near duplicate``, or filter and rule, ``gopher_quality.words``.
        like: what it is a near duplicate of, if that is why.
        value: the signal of the rule, if that is why.
        low: the least that the rule allows, if it asks for that.
        high: the most that it allows, if it asks for that.
    """

    document: Document
    reason: str
    like: Document | None
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Inspection:
    """What is in a corpus.

    Attributes:
        counts: as ``counts.json`` has them.
        lengths: how many texts that are kept have at least 2^i and fewer than 2^(i + 1) characters, [i].
        dropped_lengths: likewise of those that are dropped and kept beside.
        sources: texts that are kept, of the files with most of them.
        kept: some, an even draw.
        dropped: some, of each reason if there is room, of the most frequent one first.
        faults: the first of what could not be read.
    """

    counts: dict[str, Any]
    lengths: list[int]
    dropped_lengths: list[int]
    sources: dict[str, int]
    kept: list[Document]
    dropped: list[DroppedDocument]
    faults: list[Fault]

    @property
    def more_faults(self) -> int:
        """How many faults there are beyond those that are shown."""
        found: int = self.counts.get("faults", 0)
        return max(0, found - len(self.faults))


def inspect_corpus(folder: Path, examples: int) -> Inspection:
    """Reads a corpus once, in bounded memory.

    Args:
        folder: filled by `penjing.data.corpus.build_corpus`.
        examples: how many texts to return of each side. Which ones goes by their ids, which are hashes: always the
            same, and spread evenly.

    Raises:
        UsageError: its texts have no origins, for an older version made it.
    """
    _check_origins(folder)
    lengths: Counter[int] = Counter()
    sources: Counter[str] = Counter()
    kept = _Draw(examples)
    for part in _KEPT:
        for batch in _batches(folder, part):
            lengths.update(_lengths(batch))
            sources.update({row["values"]: row["counts"] for row in batch.column("source").value_counts().to_pylist()})
            kept.add(batch, part)
    dropped_lengths: Counter[int] = Counter()
    draws: dict[str, _Draw] = {}
    for batch in _batches(folder, _DROPPED):
        dropped_lengths.update(_lengths(batch))
        for reason in batch.column("reason").unique().to_pylist():
            of_reason = batch.filter(pc.equal(batch.column("reason"), reason))
            draws.setdefault(reason, _Draw(examples)).add(of_reason, _DROPPED)
    dropped = _in_turn([draw.rows() for draw in sorted(draws.values(), key=lambda draw: -draw.seen)])[:examples]
    like = _find(folder, {row["like"] for row in dropped if row["like"]})
    return Inspection(
        counts=read_json(folder / COUNTS),
        lengths=_as_list(lengths),
        dropped_lengths=_as_list(dropped_lengths),
        sources=dict(sources.most_common(_MOST_SOURCES)),
        kept=[_document(row) for row in kept.rows()],
        dropped=[_dropped(row, like) for row in dropped],
        faults=_read_faults(folder / FAULTS, examples),
    )


def find_documents(folder: Path, ids: set[str]) -> dict[str, Document | DroppedDocument]:
    """Returns those of some ids that are in a corpus, or were left out and kept beside.

    Args:
        folder: filled by `penjing.data.corpus.build_corpus`.
        ids: of texts.

    Raises:
        UsageError: its texts have no origins, for an older version made it.
    """
    _check_origins(folder)
    found: dict[str, Document | DroppedDocument] = dict(_find(folder, ids).items())
    dropped = list(_rows_of(folder, (_DROPPED,), ids))
    like = _find(folder, {row["like"] for row in dropped if row["like"]})
    return found | {row["id"]: _dropped(row, like) for row in dropped}


def _in_turn(groups: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Returns the first row of each group, then the second of each, and so on."""
    return [row for rows in zip_longest(*groups) for row in rows if row is not None]


def _read_faults(path: Path, most: int) -> list[Fault]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return [Fault(**json.loads(line)) for line in islice(file, most)]


def find_labelled(folder: Path, ids: set[str]) -> dict[str, Document]:
    """Returns those of some ids that are labelled rows, by a part such as ``train``.

    Args:
        folder: filled by `penjing.data.labelled.build_labelled`.
        ids: of texts.
    """
    found = {}
    for part in _LABELLED:
        for batch in _batches(folder, part):
            for place, key in enumerate(text_ids(batch.column("text").to_pylist())):
                if key in ids:
                    source, row, text = (batch.column(name)[place].as_py() for name in ("source", "row", "text"))
                    found[key] = Document(key, source, row, f"labelled.{part}", text)
    return found


def find_labelled_at(folder: Path, places: set[tuple[str, int]]) -> list[Document]:
    """Returns the labelled rows of some files and rows.

    Args:
        folder: filled by `penjing.data.labelled.build_labelled`.
        places: names of files, each with the number of a row.
    """
    found = []
    for part in _LABELLED:
        for batch in _batches(folder, part):
            for row in batch.select(["text", "source", "row"]).to_pylist():
                if (row["source"], row["row"]) in places:
                    (key,) = text_ids([row["text"]])
                    found.append(_document({**row, "id": key, "part": f"labelled.{part}"}))
    return found


def find_near_copies(folder: Path, ids: set[str]) -> dict[str, Document]:
    """Returns the texts of a corpus that were dropped because they are near duplicates of some.

    Args:
        folder: filled by `penjing.data.corpus.build_corpus`.
        ids: of texts that were kept.
    """
    wanted = pa.array(sorted(ids), pa.string())
    return {
        row["id"]: _document({**row, "part": _DROPPED})
        for batch in _batches(folder, _DROPPED)
        for row in batch.filter(pc.is_in(batch.column("like"), wanted)).to_pylist()
    }


def iter_documents(folder: Path) -> Iterator[Document]:
    """Yields the texts of a corpus that a model learned from, in their order.

    Args:
        folder: filled by `penjing.data.corpus.build_corpus`.

    Raises:
        UsageError: its texts have no origins, for an older version made it.
    """
    _check_origins(folder)
    for batch in _batches(folder, "texts"):
        for row in batch.to_pylist():
            yield _document({**row, "part": "texts"})


def _check_origins(folder: Path) -> None:
    if "id" not in pq.read_schema(folder / "texts.parquet").names:
        raise UsageError(
            "this corpus was made by an older version, which kept no origins",
            where=str(folder),
            do="Run the recipe again.",
        )


def _batches(folder: Path, part: str) -> Iterator[pa.RecordBatch]:
    path = folder / f"{part}.parquet"
    if path.exists():
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=1024, use_threads=False)


def _find(folder: Path, ids: set[str]) -> dict[str, Document]:
    """Returns the kept texts of some ids."""
    return {row["id"]: _document(row) for row in _rows_of(folder, _KEPT, ids)} if ids else {}


def _rows_of(folder: Path, parts: tuple[str, ...], ids: set[str]) -> Iterator[dict[str, Any]]:
    wanted = pa.array(sorted(ids), pa.string())
    for part in parts:
        for batch in _batches(folder, part):
            for row in batch.filter(pc.is_in(batch.column("id"), wanted)).to_pylist():
                yield {**row, "part": part}


def _lengths(batch: pa.RecordBatch) -> Counter[int]:
    """Returns how many texts have how many binary digits in their length, less one."""
    return Counter(max(0, length.bit_length() - 1) for length in pc.utf8_length(batch.column("text")).to_pylist())


def _as_list(counted: Counter[int]) -> list[int]:
    return [counted[power] for power in range(max(counted, default=-1) + 1)]


def _document(row: dict[str, Any]) -> Document:
    return Document(row["id"], row["source"], row["row"], row["part"], row["text"])


def _dropped(row: dict[str, Any], like: dict[str, Document]) -> DroppedDocument:
    return DroppedDocument(_document(row), row["reason"], like.get(row["like"]), row["value"], row["low"], row["high"])


class _Draw:
    """The rows whose ids come first.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._first: list[tuple[str, int, dict[str, Any]]] = []
        self.seen = 0

    def add(self, batch: pa.RecordBatch, part: str) -> None:
        """Draws from some more rows, of a part."""
        order = pc.sort_indices(batch.column("id"))[: self._most]
        rows = batch.take(order).to_pylist()
        numbered = [(row["id"], self.seen + number, {**row, "part": part}) for number, row in enumerate(rows)]
        self.seen += len(rows)
        self._first = heapq.nsmallest(self._most, [*self._first, *numbered])

    def rows(self) -> list[dict[str, Any]]:
        """Returns the rows drawn."""
        return [row for _, _, row in self._first]
