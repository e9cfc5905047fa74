"""Texts that are made of the training texts, so that teachers can be asked about more than these."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.dividing import COUNTS
from penjing.data.intake import ORIGIN_SCHEMA
from penjing.data.keys import exact_keys
from penjing.data.pieces import FEWEST_WORDS, draw_join, draw_piece, word_spans
from penjing.data.reading import iter_texts, iter_traced
from penjing.data.sieve import TEXTS, Sieve, write_chosen
from penjing.data.sources.source import BATCH_BYTES, BATCH_ROWS
from penjing.data.storing import Spool, work_folder
from penjing.errors import DataError
from penjing.files import write_json
from penjing.progress import Progress, stop_if_asked

_MOST_OTHERS = 1 << 16  # texts that others are joined with, and their characters
_MOST_CHARACTERS = 1 << 26


@dataclass(frozen=True)
class Recombining:
    """What is made of the training texts.

    Attributes:
        texts: of each training text.
        with_joins: whether half of them are the beginning of a text and the end of another; else all are pieces.
        removed: ids of texts to leave out.
    """

    texts: int
    with_joins: bool = True
    removed: tuple[str, ...] = ()

    @property
    def joins(self) -> int:
        """How many of them are the beginning of one and the end of another."""
        return self.texts // 2 if self.with_joins else 0


class Origin(NamedTuple):
    """A text with where it comes from."""

    text: str
    source: str
    row: int


def build_recombined(
    settings: Recombining, labelled: Path, unlabelled: Path | None, seed: int, out: Path, progress: Progress
) -> dict[str, Any]:
    """Fills a folder with ``texts.parquet`` (``text``, ``id``, ``source``, ``row``) and ``counts.json``.

    A text is left out as one of the texts without labels is (`penjing.data.sieve`), and where it is one of those. The
    origin of a piece is that of its text; that of two texts is ``FIRST:ROW + SECOND`` and the row of the second.

    Args:
        settings: what is made.
        labelled: the folder of the labelled rows, or pairs.
        unlabelled: the folder of texts without labels; None: there are none.
        seed: decides where texts are cut, and which are joined.
        out: an existing, empty folder.
        progress: told how many training texts were read.

    Returns:
        What ``counts.json`` holds: ``made``, ``in_evaluation``, ``containing_evaluation``, ``in_training``,
        ``removed``, ``duplicates``, ``texts``.

    Raises:
        DataError: no text is left.
        DiskFullError: the disk has no room.
        Interrupted: the user asked to stop.
    """
    sieve = Sieve(labelled, settings.removed, () if unlabelled is None else iter_texts(unlabelled / TEXTS))
    train = labelled / "train.parquet"
    others = _draw_others(_iter_origins(train), seed) if settings.joins else []
    made = 0
    with work_folder(out) as work:
        spool = Spool(work / "texts.arrow", ORIGIN_SCHEMA)
        with spool.writing() as write, progress.bar("cutting texts", pq.read_metadata(train).num_rows) as bar:
            told = _tell(_iter_origins(train), bar.advance)
            for batch in _batches(recombine(told, others, settings, seed)):
                stop_if_asked(progress)
                sieve.add([origin.text for origin in batch])
                write([pa.array(column) for column in zip(*batch, strict=True)])
                made += len(batch)
        places = sieve.remaining()
        write_chosen(out, spool, places)
    if not len(places):
        raise DataError(
            f"of {made:,} texts that were made of training texts none is left: no training text can be cut into others "
            "than are there",
            where="[finetune.distill] recombined",
            do="Set it to 0; texts of one word cannot be cut.",
        )
    counts = {"made": made, **sieve.counts, "texts": len(places)}
    write_json(out / COUNTS, counts)
    return counts


def recombine(training: Iterable[Origin], others: list[Origin], settings: Recombining, seed: int) -> Iterator[Origin]:
    """Yields what is made of training texts; nothing of one that cannot be cut.

    What is made of a text is decided by it, by the seed and by the others, not by its place.

    Args:
        training: the training texts.
        others: those that they are joined with; one may be the text itself, and then the next one is taken.
        settings: what is made.
        seed: decides where texts are cut, and which are joined.
    """
    for origin in training:
        if not _can_be_cut(origin.text):
            continue
        draw = Random(_key(origin.text, seed))
        for _ in range(settings.texts - settings.joins):
            yield origin._replace(text=draw_piece(origin.text, draw))
        for _ in range(settings.joins):
            other = _draw_other(others, origin.text, draw)
            if other is not None:
                yield _join(*((origin, other) if draw.random() < 0.5 else (other, origin)), draw)


def _can_be_cut(text: str) -> bool:
    return len(word_spans(text)) >= FEWEST_WORDS


def _key(text: str, seed: int) -> int:
    return int.from_bytes(bytes(exact_keys([text], seed)[0]), "little")


def _join(first: Origin, second: Origin, draw: Random) -> Origin:
    source = f"{first.source}:{first.row} + {second.source}"
    return Origin(draw_join(first.text, second.text, draw), source, second.row)


def _draw_other(others: list[Origin], text: str, draw: Random) -> Origin | None:
    """Returns a text that is another; None where there is none."""
    place = draw.randrange(len(others)) if others else 0
    return next((other for other in (*others[place : place + 2], *others[:1]) if other.text != text), None)


def _draw_others(training: Iterable[Origin], seed: int) -> list[Origin]:
    """Returns training texts that can be cut: each once, all where memory has room, else an even draw."""
    kept: dict[int, Origin] = {}
    order: list[int] = []  # those that are kept, the last of the draw first
    characters = 0
    for origin in training:
        if (key := -_key(origin.text, seed)) in kept or not _can_be_cut(origin.text):
            continue
        kept[key] = origin
        heapq.heappush(order, key)
        characters += len(origin.text)
        while len(order) > _MOST_OTHERS or (characters > _MOST_CHARACTERS and len(order) > FEWEST_WORDS):
            characters -= len(kept.pop(heapq.heappop(order)).text)
    return list(kept.values())


def _iter_origins(path: Path) -> Iterator[Origin]:
    for batch in iter_traced(path):
        for row in batch.to_pylist():
            yield Origin(**row)


def _tell(training: Iterable[Origin], advance: Callable[[float], None]) -> Iterator[Origin]:
    for origin in training:
        yield origin
        advance(1)


def _batches(made: Iterable[Origin]) -> Iterator[list[Origin]]:
    """Yields texts in batches of bounded size."""
    batch: list[Origin] = []
    characters = 0
    for origin in made:
        batch.append(origin)
        characters += len(origin.text)
        if len(batch) >= BATCH_ROWS or characters >= BATCH_BYTES:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
