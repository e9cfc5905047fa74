"""Plain text: lines, paragraphs, files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.sources import FaultLog, Layout, read_file
from penjing.data.sources.source import Unit
from penjing.errors import DataError

TEXT = "First line\nsecond line\n\n\nNext paragraph\n  \nlast\n"


def rows_of(path: Path, unit: Unit, **more: object) -> list[tuple[int, str]]:
    layout = Layout(unit=unit, **more)  # type: ignore[arg-type]
    return [
        pair for batch in read_file(path, ("t",), layout) for pair in zip(batch.rows, batch.columns["t"], strict=True)
    ]


@pytest.mark.parametrize(
    ("unit", "rows"),
    [
        ("line", [(1, "First line"), (2, "second line"), (5, "Next paragraph"), (7, "last")]),
        ("paragraph", [(1, "First line\nsecond line"), (5, "Next paragraph"), (7, "last")]),
        ("file", [(1, TEXT)]),
    ],
)
def test_unit_says_what_one_text_is(tmp_path: Path, unit: Unit, rows: list[tuple[int, str]]) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    assert rows_of(tmp_path / "a.txt", unit) == rows


@given(st.lists(st.lists(st.text("ab 字", min_size=1).filter(str.strip), min_size=1), min_size=1))
def test_paragraphs_come_back_whatever_the_blocks(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("paragraphs") / "a.txt"
    path.write_text("\n\n".join("\n".join(lines) for lines in parts), newline="\n")
    assert [text for _, text in rows_of(path, "paragraph")] == ["\n".join(lines) for lines in parts]


def test_paragraph_across_blocks_is_one_text(tmp_path: Path) -> None:
    lines = ["x" * 99] * 30_000  # three blocks
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n\nlast")
    assert [text for _, text in rows_of(tmp_path / "a.txt", "paragraph")] == ["\n".join(lines), "last"]
    with pytest.raises(DataError, match=r"a\.txt, line 1: the paragraph is longer than 1 MB"):
        rows_of(tmp_path / "a.txt", "paragraph", max_line_mb=1)


def test_long_line_is_left_out_without_being_held_and_the_next_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.write(b"first\n")
        for _ in range(30):
            file.write(b"y" * 1_000_000)
        file.write(b"\nafter it\nlast")
    log = FaultLog()
    assert rows_of(tmp_path / "a.txt", "line", max_line_mb=2, log=log) == [(1, "first"), (3, "after it"), (4, "last")]
    assert [fault.where for fault in log.faults] == ["a.txt, line 2"]


def test_paragraph_that_is_too_long_is_left_out_to_its_end(tmp_path: Path) -> None:
    long = "\n".join(["y" * 99] * 30_000)
    (tmp_path / "a.txt").write_text(f"first\n\n{long}\n\nlast")
    log = FaultLog()
    assert rows_of(tmp_path / "a.txt", "paragraph", max_line_mb=1, log=log) == [(1, "first"), (30_004, "last")]
    assert [fault.where for fault in log.faults] == ["a.txt, line 3"]


def test_file_of_bytes_that_are_no_text_is_left_out_whatever_the_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)) * 50)
    log = FaultLog()
    assert rows_of(tmp_path / "a.txt", "file", encoding="utf-8", log=log) == []
    assert log.count >= 1


@pytest.mark.parametrize("unit", ["line", "file"])
def test_encoding_that_is_named_is_the_wider_one_and_a_mark_is_left_out(tmp_path: Path, unit: Unit) -> None:
    (tmp_path / "a.txt").write_bytes("朱镕基".encode("gb18030"))
    assert rows_of(tmp_path / "a.txt", unit, encoding="gb2312") == [(1, "朱镕基")]
    (tmp_path / "a.txt").write_bytes("hello".encode("utf-8-sig"))
    assert rows_of(tmp_path / "a.txt", unit, encoding="utf-8") == [(1, "hello")]
