"""The record of a run: one JSON line a step and a line an evaluation, cut back to the checkpoint on resume."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TextIO

from penjing.files import disk_errors, write_text

HISTORY = "history.jsonl"
STATE = "state.json"  # of a checkpoint; here, so that whoever asks for its name need not load torch


class History:
    """An append-only file of records with a ``step``.

    Args:
        path: the file; it is made if missing.
        last_step: records after it, left by a run that was killed, are dropped.
    """

    def __init__(self, path: Path, last_step: int) -> None:
        self._path = path
        kept = [record for record in read_history(path) if record["step"] <= last_step]
        write_text(path, "".join(json.dumps(record) + "\n" for record in kept))
        self._file: TextIO = path.open("a", encoding="utf-8")

    def append(self, record: dict[str, Any]) -> None:
        """Adds a record; it is on disk after `flush` at the latest."""
        with disk_errors(self._path):
            self._file.write(json.dumps(record) + "\n")

    def flush(self) -> None:
        """Brings all records to the disk."""
        with disk_errors(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file."""
        with disk_errors(self._path):
            self._file.close()


def read_history(path: Path) -> list[dict[str, Any]]:
    """Reads a history; a last line cut short by a killed process is left out."""
    records: list[dict[str, Any]] = []
    if not path.exists():
        return records
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records
