"""Answers of any number of rows in a file, on a disk without room."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.full_files import at_most_bytes

from penjing.errors import DiskFullError
from penjing.tasks.bulk import BulkOutput


def test_full_disk_is_said_and_the_same_call_goes_on(tmp_path: Path) -> None:
    path, made = tmp_path / "answers.jsonl", {"model": "a"}
    output = BulkOutput(path, made)
    output.append("x" * 100 + "\n", 10)
    with at_most_bytes(150):
        with pytest.raises(DiskFullError):
            output.append("y" * 100 + "\n", 10)
        output.close()
    again = BulkOutput(path, made)
    assert (again.rows, again.part.stat().st_size) == (10, 101)
    again.append("z\n", 1)
    again.finish()
    assert path.read_text(encoding="utf-8") == "x" * 100 + "\nz\n"
