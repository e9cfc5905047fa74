"""Answers any number of rows into a file, in bounded memory; a process that was killed goes on where it was."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from penjing.data.sources import FaultLog
from penjing.data.sources.faults import readable_name
from penjing.errors import PenjingError, UsageError
from penjing.files import disk_errors, fsync_folder, write_all
from penjing.hashing import hash_json
from penjing.progress import Progress, stop_if_asked
from penjing.tasks.bulk_files import Lines, finish_file


class Row(NamedTuple):
    """A row that is to be answered.

    Attributes:
        file: where it stands.
        number: of the row there.
        value: what the model is asked.
    """

    file: str
    number: int
    value: Any


class BulkOutput:
    """A file of answers that is being made, and the journal that says how far it is.

    Beside the file there are, until it is complete, ``NAME.part`` with the answers so far and ``NAME.journal``: a line
    that says what is done, and a line for each chunk that is on the disk. What stands after the last of them is cut
    off when the work goes on, so that the file is byte for byte what it would be without a pause.

    Args:
        path: the file; it takes its place when it is complete.
        made: what decides the answers: model, files, options. Another one cannot go on with the same file.

    Raises:
        UsageError: the file is there already, another process makes it, or it was begun with something else.
    """

    def __init__(self, path: Path, made: Mapping[str, Any]) -> None:
        self.path = path
        self.part, self.journal = (path.with_name(path.name + end) for end in (".part", ".journal"))
        self.bad = path.with_name(path.name + ".bad.jsonl")
        if path.exists() and not self.journal.exists():
            raise UsageError("this file is there already", where=str(path), do="Remove it, or choose another name.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk_errors(path):
            self._journal: IO[bytes] = self.journal.open("a+b", buffering=0)
            self._lock()
            self.rows, size = self._read_journal(hash_json(made))
            self.resumed, self._size = self.rows, size
            self._is_complete = path.exists()  # and was killed before it removed the journal
            self._part: IO[bytes] | None = None if self._is_complete else self._open_part()

    @property
    def is_new(self) -> bool:
        """Whether nothing is written yet."""
        return self._size == 0

    def _open_part(self) -> IO[bytes]:
        """Opens the answers so far, without what is not in the journal."""
        file = self.part.open("ab", buffering=0)
        if file.tell() < self._size:
            file.close()
            self._journal.close()
            do = f"To begin again, remove {self.journal.name} and {self.part.name}."
            raise UsageError("there is less than the journal says", where=str(self.part), do=do)
        file.truncate(self._size)
        return file

    def append(self, text: str, rows: int) -> None:
        """Adds the answers of a chunk; they are on the disk when this returns.

        Raises:
            DiskFullError: there is no room; the chunks before stay.
        """
        data = text.encode()
        assert self._part is not None
        with disk_errors(self.path):
            write_all(self._part, data)
            os.fsync(self._part.fileno())
            self.rows, self._size = self.rows + rows, self._size + len(data)
            self._write_line({"rows": self.rows, "bytes": self._size})

    def finish(self) -> None:
        """Lets the file take its place, and removes what was beside it."""
        if not self._is_complete:
            with disk_errors(self.path):
                finish_file(self.part, self.path)
                fsync_folder(self.path.parent)
        self.part.unlink(missing_ok=True)
        self.journal.unlink()
        self._is_complete = True
        self.close()

    def close(self) -> None:
        """Lets go of the files; the work can go on later. Where nothing was done, nothing is left."""
        if not self._is_complete and not self.rows:
            self.part.unlink(missing_ok=True)
            self.journal.unlink(missing_ok=True)
        if self._part is not None:
            self._part.close()
        self._journal.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._journal.close()
            do = "Wait for it, or choose another name."
            raise UsageError("another process is writing this file", where=str(self.path), do=do) from error

    def _read_journal(self, key: str) -> tuple[int, int]:
        """Returns rows and bytes of what is complete."""
        self._journal.seek(0)
        lines = self._journal.read().split(b"\n")[:-1]  # what has no line end was not complete
        self._journal.truncate(sum(len(line) + 1 for line in lines))
        if not lines:
            self._write_line({"key": key})
            return 0, 0
        try:
            first, last = json.loads(lines[0]), json.loads(lines[-1])
            if first["key"] != key:
                self._journal.close()
                raise UsageError(
                    "this file was begun with another model, other rows or other options",
                    where=str(self.path),
                    do=f"Give the same ones to go on; to begin again, remove {self.journal.name} and {self.part.name}.",
                )
            return int(last.get("rows", 0)), int(last.get("bytes", 0))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise UsageError("this is no journal of ours", where=str(self.journal), do="Remove it.") from error

    def _write_line(self, values: Mapping[str, Any]) -> None:
        write_all(self._journal, json.dumps(values).encode() + b"\n")
        os.fsync(self._journal.fileno())


class BadRows(FaultLog):
    """Writes rows that cannot be read into a file, while the rest is read.

    Args:
        path: the file; it is there only if there are such rows.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        path.unlink(missing_ok=True)  # of a call that was killed: all rows are read again

    def add(self, error: PenjingError) -> None:
        """Writes a fault down."""
        self.count += 1
        where, what = readable_name(error.where), readable_name(error.what)
        with disk_errors(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"where": where, "what": what}, ensure_ascii=False) + "\n")


def answer_into(
    output: BulkOutput,
    rows: Iterable[Row],
    load: Callable[[], Callable[[list[Any]], Iterable[Any]]],
    chunk_rows: int,
    progress: Progress,
    tell: Callable[[int], None],
) -> int:
    """Answers rows chunk by chunk into a file, and finishes it.

    A chunk is the same rows whenever the work is gone on with, so that what is computed together is so too.

    Args:
        output: where answers go.
        rows: all of them, in order; those that are answered already are passed over.
        load: called once there is something to answer; returns what answers the values of rows.
        chunk_rows: how many are answered at once.
        progress: asked after each chunk whether to stop.
        tell: told how many rows are answered, after each chunk.

    Returns:
        Rows that are answered in all.

    Raises:
        Interrupted: the user asked to stop; the same call goes on.
    """
    lines = Lines(output.path)
    answer: Callable[[list[Any]], Iterable[Any]] | None = None
    done = 0
    for chunk in _chunks(rows, chunk_rows):
        done += len(chunk)
        if done <= output.rows:
            continue
        answer = answer or load()
        found = answer([row.value for row in chunk])
        values = [{"file": row.file, "row": row.number, **one.to_dict()} for row, one in zip(chunk, found, strict=True)]
        output.append(lines.write(values, with_header=output.is_new), len(chunk))
        tell(done)
        stop_if_asked(progress)
    output.finish()
    return output.rows


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    source = iter(rows)
    while chunk := list(islice(source, size)):
        yield chunk
