"""Tables on disk: a spool for rows between two passes, and Parquet for the result."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.files import disk_errors

_GROUP_BYTES = 8 << 20


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """Yields a folder inside ``out`` for work in progress, removed at the end; a full disk is a `DiskFullError`."""
    work = out / ".work"
    with disk_errors(out):
        try:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


class Spool:
    """Rows written once and read again, in batches, as often as needed.

    Args:
        path: the file.
        schema: its columns.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._schema = schema

    @contextmanager
    def writing(self) -> Iterator[Callable[[list[pa.Array]], None]]:
        """Yields a function that adds a batch, given its columns; an empty one is left out."""
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(self.path), "wb") as file, pa.ipc.new_stream(file, self._schema, options=options) as stream:

            def write(columns: list[pa.Array]) -> None:
                batch = pa.record_batch(columns, schema=self._schema)
                if batch.num_rows:
                    stream.write_batch(batch)

            yield write

    def read(self) -> Iterator[pa.RecordBatch]:
        """Yields the batches as they were written."""
        with pa.OSFile(str(self.path), "rb") as file, pa.ipc.open_stream(file) as stream:
            yield from stream


class ParquetRows:
    """A Parquet file that is written in row groups of about 8 MB.

    Args:
        path: the file.
        schema: its columns.
        repeated: the columns whose values come again and again.
    """

    def __init__(self, path: Path, schema: pa.Schema, repeated: tuple[str, ...] = ()) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=list(repeated))
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds a batch."""
        if not batch.num_rows:
            return
        self.rows += batch.num_rows
        self._waiting.append(batch)
        self._waiting_bytes += batch.nbytes
        if self._waiting_bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting))
            self._waiting, self._waiting_bytes = [], 0

    def __enter__(self) -> ParquetRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._flush()
        finally:
            self._writer.close()
