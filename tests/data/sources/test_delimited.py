"""CSV whose rows are broken: where the rest goes on, no more is lost than the line that is at fault."""

from __future__ import annotations

from pathlib import Path

from penjing.data.sources import FaultLog, Layout, read_file


def read(path: Path, log: FaultLog, max_line_mb: float = 8) -> tuple[list[tuple[str, str]], list[int]]:
    """Returns texts with labels, and the numbers of their rows."""
    rows: list[tuple[str, str]] = []
    numbers: list[int] = []
    for batch in read_file(path, ("text", "label"), Layout(max_line_mb=max_line_mb, log=log)):
        rows += zip(batch.columns["text"], batch.columns["label"], strict=True)
        numbers += batch.rows
    return rows, numbers


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_quote_that_is_never_closed_loses_its_line_alone(tmp_path: Path) -> None:
    lines = [f"row {number},{number}" for number in range(3000)]
    path = write(tmp_path / "a.csv", ["text,label", *lines[:1000], '"never closed,5', *lines[1000:]])
    log = FaultLog()
    rows, numbers = read(path, log)
    assert rows == [(f"row {number}", str(number)) for number in range(3000)]
    assert [fault.where for fault in log.faults] == ["a.csv, row 1,002"]
    assert numbers[999:1001] == [1001, 1003]


def test_row_that_is_too_long_loses_its_first_line_alone(tmp_path: Path) -> None:
    lines = [f"row {number},{number}" for number in range(200_000)]
    path = write(tmp_path / "a.csv", ["text,label", *lines[:5], '"open,5', *lines[5:]])
    log = FaultLog()
    rows, _ = read(path, log, max_line_mb=1)
    assert rows == [(f"row {number}", str(number)) for number in range(200_000)]
    assert [fault.where for fault in log.faults] == ["a.csv, line 7"]
