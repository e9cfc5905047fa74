"""CSV that is broken, or made by other rules: what is lost is one line, and what to do is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from penjing.data.sources import FaultLog, Layout, read_file
from penjing.errors import DataError, RecipeError


def read(path: Path, log: FaultLog | None, max_line_mb: float = 8) -> tuple[list[tuple[str, str]], list[int]]:
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


def refused(path: Path) -> str:
    """Checks that a file is refused in one paragraph that names it, as a wrong recipe is; returns it."""
    with pytest.raises(RecipeError) as caught:
        read(path, None)
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert path.name in message
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message


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


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("a.csv", "review,stars", ["in the recipe or by an option", "--columns"]),
        ("a.jsonl", '{"review": "a", "stars": 1}', ["in the recipe or by an option"]),
    ],
)
def test_missing_column_says_where_another_is_named(tmp_path: Path, name: str, line: str, said: list[str]) -> None:
    message = refused(write(tmp_path / name, [line]))
    assert all(words in message for words in said)


@pytest.mark.parametrize(
    ("name", "sign", "said"),
    [
        ("a.csv", ";", "semicolons between them, and are to have commas"),
        ("a.csv", "\t", "tabs between them, and are to have commas"),
        ("a.tsv", ",", "commas between them, and are to have tabs"),
    ],
)
def test_other_sign_between_cells_is_named(tmp_path: Path, name: str, sign: str, said: str) -> None:
    message = refused(write(tmp_path / name, [f"text{sign}label", f"fine{sign}1"]))
    assert said in message
    assert "save it with commas as .csv, or with tabs as .tsv" in message
    ragged = write(tmp_path / name, ["text;label", "a\t b;1" if name == "a.tsv" else "a, b;1"])
    with pytest.raises(DataError, match="semicolons between them"):
        list(read_file(ragged, ["text;label"], Layout()))
