"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.sources.source import (
    BATCH_BYTES,
    BATCH_ROWS,
    NAME_ANOTHER,
    Batch,
    Layout,
    check_names,
    missing_column,
)
from penjing.errors import DataError, RecipeError

_BUFFER_BYTES = 1 << 20


def read_parquet(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads Parquet page by page, so that a large row group is never whole in memory.

    Args:
        path: the file.
        wanted: the columns to read.
        layout: not used; a Parquet file says itself how it is read.

    Raises:
        RecipeError: a column is missing, or the file is packed with gzip.
        DataError: the file is not Parquet, or is damaged or cut off.
    """
    if path.name.lower().endswith(".gz"):
        raise RecipeError("Parquet is not read through gzip", where=str(path), do=f"Unpack it: gunzip {path.name}")
    if path.stat().st_size == 0:
        raise DataError("the file is empty", where=path.name, do="Put rows into it, or name another file.")
    try:
        file = pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    with file:
        check_names(path, wanted, file.schema_arrow.names)
        for column in wanted:
            if column not in file.schema_arrow.names:
                raise missing_column(path, column, file.schema_arrow.names, NAME_ANOTHER)
        rows = file.metadata.num_rows
        share = path.stat().st_size / max(1, rows)
        first = 1
        batches = file.iter_batches(batch_size=_batch_rows(file, wanted), columns=list(wanted), use_threads=False)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                columns = {column: batch.column(column).to_pylist() for column in wanted}
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                raise _damaged(path, error, first) from error
            numbers = list(range(first, first + batch.num_rows))
            first += batch.num_rows
            yield Batch(path, columns, numbers, numbers, int(share * batch.num_rows))


def _batch_rows(file: pq.ParquetFile, wanted: Sequence[str]) -> int:
    """Returns how many rows are about `BATCH_BYTES`, by the widest row group."""
    meta, widest = file.metadata, 1.0
    for group in range(meta.num_row_groups):
        part = meta.row_group(group)
        size = sum(
            part.column(index).total_uncompressed_size
            for index in range(part.num_columns)
            if part.column(index).path_in_schema.split(".")[0] in wanted
        )
        widest = max(widest, size / max(1, part.num_rows))
    return max(1, min(BATCH_ROWS, int(BATCH_BYTES / widest)))


def _damaged(path: Path, error: Exception, row: int | None = None) -> DataError:
    where = path.name if row is None else f"{path.name}, row {row:,} or soon after"
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return DataError(
        f"the file is not Parquet, or it is damaged or cut off ({reason})",
        where=where,
        do="Fetch or write it again.",
    )
