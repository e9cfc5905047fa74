"""What people have answered: a file that only grows, a line for each answer, on the disk before the next is asked.

A line is a JSON object: ``id`` of the text, ``file`` and ``row`` where it first stands, ``label``, and ``time``. A
later line of the same id takes the place of an earlier one. What was undone stays: a line with ``undone`` says which
label the text has again, or null.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from penjing.errors import DataError, UsageError
from penjing.files import disk_errors, fsync_folder, write_all

_KEYS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "file": str,
    "row": int,
    "label": (str, type(None)),
    "time": str,
}


@dataclass(frozen=True)
class Answer:
    """A line of the file.

    Attributes:
        id: of the text.
        file: name of the file in which it was asked about.
        row: number of the first row with this text there.
        label: that was given; None: the text has none again.
        time: of the answer, ISO 8601, UTC.
        undone: whether the line takes back the one before it that was not yet taken back.
    """

    id: str
    file: str
    row: int
    label: str | None
    time: str
    undone: bool = False


class AnswerLog:
    """Answers in order, and what they come to.

    Attributes:
        lines: all of them.
        labels: of each text that has one.
    """

    def __init__(self, lines: Sequence[Answer] = ()) -> None:
        self.lines: list[Answer] = []
        self.labels: dict[str, str] = {}
        self._before: list[tuple[Answer, str | None]] = []  # answers not undone, with the label before each
        for line in lines:
            self.add(line)

    def add(self, line: Answer) -> None:
        """Adds a line."""
        if line.undone and self._before:
            self._before.pop()
        elif not line.undone:
            self._before.append((line, self.labels.get(line.id)))
        self.lines.append(line)
        if line.label is None:
            self.labels.pop(line.id, None)
        else:
            self.labels[line.id] = line.label

    def counts(self) -> Counter[str]:
        """Returns how many texts have each label."""
        return Counter(self.labels.values())

    def undoing(self) -> Answer | None:
        """Returns the line that would undo the last answer; None where there is none."""
        if not self._before:
            return None
        last, label = self._before[-1]
        return Answer(last.id, last.file, last.row, label, now(), undone=True)


def now() -> str:
    """Returns the moment, as answers are stamped with it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_answers(path: Path) -> tuple[AnswerLog, int]:
    """Returns the answers of a file, and how many bytes at its end are half an answer, which count as none.

    Raises:
        UsageError: there is no such file.
        DataError: a line before the last is no answer.
    """
    if not path.is_file():
        raise UsageError("there is no such file of answers", where=str(path), do="penjing data label FILE makes one.")
    content = path.read_bytes()
    *whole, last = content.split(b"\n")
    lines = [
        _parse(line, f"{path.name}, line {number:,}") for number, line in enumerate(whole, start=1) if line.strip()
    ]
    if last.strip():
        try:  # all of it may be there, but for the line's end
            lines.append(_parse(last, path.name))
            return AnswerLog(lines), 0
        except DataError:
            return AnswerLog(lines), len(last)
    return AnswerLog(lines), 0


def _parse(line: bytes, where: str) -> Answer:
    do = "Answers are lines that penjing data label wrote; correct or remove the line, or name another file."
    try:
        value: Any = json.loads(line)
    except ValueError as error:
        raise DataError("the line is no JSON", where=where, do=do) from error
    if not isinstance(value, dict) or not all(isinstance(value.get(key), kind) for key, kind in _KEYS.items()):
        raise DataError("the line is no answer", where=where, do=do)
    return Answer(**{key: value[key] for key in _KEYS}, undone=value.get("undone") is True)


class AnswerFile:
    """The file that answers are written to, held by one process.

    Args:
        path: of the file; it is made if it is not there. Half an answer at its end is cut off.

    Attributes:
        log: the answers.
        cut_bytes: how much was cut off.

    Raises:
        UsageError: another process holds it.
        DataError: a line before the last is no answer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            raise UsageError("this is a folder", where=str(path), do="Give a file with --out.")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise UsageError(
                "another penjing data label is writing these answers",
                where=str(path),
                do="Go on in its page, stop it first, or give another file with --out.",
            ) from error
        try:
            self.log, self.cut_bytes = read_answers(path)
            self._repair()
        except BaseException:
            self._file.close()
            raise
        fsync_folder(path.parent)

    def _repair(self) -> None:
        size = self.path.stat().st_size
        if self.cut_bytes:
            self._file.truncate(size - self.cut_bytes)
        elif size and not self.path.read_bytes().endswith(b"\n"):
            write_all(self._file, b"\n")
        self._sync()

    def append(self, answer: Answer) -> None:
        """Writes an answer; when this returns, it is on the disk.

        Raises:
            DiskFullError: the disk has no room; the file is as it was.
        """
        values = {key: value for key, value in asdict(answer).items() if key != "undone" or value}
        line = json.dumps(values, ensure_ascii=False).encode() + b"\n"
        size = self.path.stat().st_size
        with disk_errors(self.path):
            try:
                write_all(self._file, line)
                self._sync()
            except OSError:
                os.truncate(self.path, size)
                raise
        self.log.add(answer)

    def _sync(self) -> None:
        os.fsync(self._file.fileno())

    def __enter__(self) -> AnswerFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def check_answers(log: AnswerLog, ids: set[str], labels: Sequence[str], data: str, where: str) -> int:
    """Refuses answers that do not belong to a file or to its labels.

    Args:
        log: the answers.
        ids: of the texts of the file.
        labels: that are allowed; empty: any.
        data: name of the file.
        where: name of the file of answers.

    Returns:
        How many texts have answers and are not in the file.

    Raises:
        DataError: a label is not allowed, or most answers are about texts that the file does not have.
    """
    for number, line in enumerate(log.lines, start=1):
        if labels and line.label is not None and line.label not in labels and line.id in log.labels:
            raise DataError(
                f'the label is "{line.label[:40]}"; --labels are {", ".join(labels)}',
                where=f"{where}, answer {number:,}",
                do="Add it to --labels, or begin other answers with --out.",
            )
    strange = [key for key in log.labels if key not in ids]
    if 2 * len(strange) > len(log.labels):
        asked = ", ".join(dict.fromkeys(line.file for line in log.lines if line.id in set(strange)))
        raise DataError(
            f"{len(strange):,} of {len(log.labels):,} answers are about texts that {data} does not have; "
            f"they were given for {asked}",
            where=where,
            do="Name the file that they belong to, or begin other answers with --out.",
        )
    return len(strange)
