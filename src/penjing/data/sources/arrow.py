"""Arrow files (.arrow, .feather): the file and the stream format of Arrow's IPC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from penjing.data.sources.source import (
    BATCH_BYTES,
    BATCH_ROWS,
    NAME_ANOTHER,
    Batch,
    Layout,
    check_names,
    file_size,
    is_packed,
    missing_column,
)
from penjing.errors import DataError

_MAGIC = b"ARROW1"


def read_arrow(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads Arrow batch by batch, from the mapped file.

    Args:
        path: the file.
        wanted: the columns to read.
        layout: not used; an Arrow file says itself how it is read.

    Raises:
        RecipeError: a column is missing, or there twice.
        DataError: the file is not Arrow, or is damaged or cut off.
    """
    if is_packed(path):
        raise DataError("Arrow is not read through another packing", where=path.name, do="Unpack it.")
    if not file_size(path):
        raise DataError("the file is empty or gone", where=path.name, do="Put rows into it, or name another file.")
    first, told = 1, 0
    size = file_size(path)
    try:
        with pa.memory_map(str(path)) as file:
            batches, names = _batches(file)
            check_names(path, wanted, names)
            for column in wanted:
                if column not in names:
                    raise missing_column(path, column, names, NAME_ANOTHER)
            for batch in batches:
                batch.select(list(wanted)).validate(full=True)  # offsets are believed otherwise, wherever they lead
                step = _rows(batch)
                for start in range(0, batch.num_rows, step):
                    part = batch.slice(start, step)
                    columns = {column: part.column(column).to_pylist() for column in wanted}
                    numbers = list(range(first, first + part.num_rows))
                    first += part.num_rows
                    consumed = min(size - told, int(part.nbytes))
                    told += consumed
                    yield Batch(path, columns, numbers, numbers, consumed)
    except (pa.ArrowException, OSError, UnicodeDecodeError, SystemError) as error:
        raise _damaged(path, error, first) from error


def arrow_columns(path: Path) -> list[str]:
    """Returns the names of a file's columns.

    Raises:
        DataError: the file is not Arrow, or is damaged.
    """
    try:
        with pa.memory_map(str(path)) as file:
            return _batches(file)[1]
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error, 1) from error


def _damaged(path: Path, error: Exception, row: int) -> DataError:
    reason = (str(error).splitlines() or [""])[0].rstrip(".")
    return DataError(
        f"the file is not Arrow, or it is damaged or cut off ({reason})",
        where=path.name if row == 1 else f"{path.name}, row {row:,} or soon after",
        do="Fetch or write it again.",
    )


def _batches(file: pa.NativeFile) -> tuple[Iterator[pa.RecordBatch], list[str]]:
    is_file = file.read(len(_MAGIC)) == _MAGIC
    file.seek(0)
    if is_file:
        opened = pa.ipc.open_file(file)
        return (opened.get_batch(index) for index in range(opened.num_record_batches)), opened.schema.names
    stream = pa.ipc.open_stream(file)
    return iter(stream), stream.schema.names


def _rows(batch: pa.RecordBatch) -> int:
    share = batch.nbytes / max(1, batch.num_rows)
    return max(1, min(BATCH_ROWS, int(BATCH_BYTES / max(1.0, share))))
