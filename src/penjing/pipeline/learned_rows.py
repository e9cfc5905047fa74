"""Which rows of a file a model learned from, where the stages of its run still lie beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from penjing.data.events import HELD_OUT
from penjing.data.histories import read_sequences, read_training, read_users
from penjing.data.keys import Keys, KeySet, normalized_keys
from penjing.data.sieve import TEXTS
from penjing.pipeline.tracing import stage_beside
from penjing.tasks.card import CARD

_BATCH_ROWS = 1024


def count_learned(
    model: Path, rows: Sequence[Sequence[str]], columns: Sequence[str] = ("text",), part: str | None = None
) -> int | None:
    """Returns how many rows have, but for case, spaces and punctuation, the texts of one that a model learned from.

    A fine-tuned model learned from the training rows, and from the other texts that its teachers were asked
    about; a language model from its corpus. What the model that it started from had learned is not known here.

    Args:
        model: the folder ``model`` of a run.
        rows: the texts of each row, [rows] of as many as there are columns.
        columns: what these are called in the rows that were learned from.
        part: of a model of several tasks.

    Returns:
        The number; None where what the model learned from is not beside it as it was.

    Raises:
        ModelFolderError: the folder's card is not as training wrote it.
    """
    files = list(_learned_files(model, part))
    return count_rows_in(files, rows, columns) if files else None


def count_rows_in(files: Iterable[Path], rows: Sequence[Sequence[str]], columns: Sequence[str]) -> int:
    """Returns how many rows have, but for case, spaces and punctuation, the texts of one in some Parquet files."""
    keys = _row_keys(rows)
    asked = KeySet([keys])
    found = [known[asked.contains(known)] for file in files for known in _file_keys(file, columns)]
    return int(KeySet(found).contains(keys).sum())


def count_learned_events(model: Path, data: Path) -> int | None:
    """Returns how many of the last events of users, which are tested on, a model of the same items learned from.

    Args:
        model: the folder ``model`` of a run.
        data: of events, as `penjing.data.events.build_events` leaves it.

    Returns:
        The number; None where what the model learned from is not beside it as it was.

    Raises:
        ModelFolderError: the folder's card is not as training wrote it.
    """
    theirs = stage_beside(model, "data") if (model / CARD).is_file() else None
    if theirs is None:
        return None
    learned = dict(zip(read_users(theirs), map(set, read_training(theirs)), strict=True))
    asked = zip(read_users(data), read_sequences(data), strict=True)
    return sum(items[-1] in learned.get(user, ()) for user, items in asked if len(items) > HELD_OUT)


def _learned_files(model: Path, part: str | None) -> Iterator[Path]:
    if not (model / CARD).is_file():
        return
    data = stage_beside(model, "data")
    if data is not None:
        yield (data if part is None else data / part) / "train.parquet"
    for name in ("unlabelled", "recombined") if data is not None else ("corpus",):
        if (folder := stage_beside(model, name)) is not None:
            yield folder / TEXTS


def _file_keys(path: Path, columns: Sequence[str]) -> Iterator[Keys]:
    """Yields the keys of a file's rows in batches; of a file without one of the columns nothing."""
    with pq.ParquetFile(path) as file:
        if not set(columns) <= set(file.schema_arrow.names):
            return
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns), use_threads=False):
            yield _row_keys(zip(*(batch.column(name).to_pylist() for name in columns), strict=True))


def _row_keys(rows: Iterable[Sequence[str]]) -> Keys:
    return normalized_keys("\n".join(texts) for texts in rows)
