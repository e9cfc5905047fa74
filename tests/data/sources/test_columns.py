"""The names of columns are read as the rows are."""

from __future__ import annotations

from pathlib import Path

import pytest

from penjing.data.sources import Layout, read_file
from penjing.data.sources.columns import list_columns
from penjing.errors import DataError


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("a.csv", "\n\n text ,label\na,b\n", ["text", "label"]),
        ("a.csv", '"the\ntext",label\r\na,b\n', ["the\ntext", "label"]),
        ("a.csv", '"say ""text""",label\na,b\n', ['say "text"', "label"]),
        ("a.tsv", '"text"\tlabel\na\tb\n', ['"text"', "label"]),
    ],
)
def test_names_are_those_that_the_rows_are_read_by(tmp_path: Path, name: str, text: str, names: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    assert list_columns(path, Layout()) == names
    assert [batch.columns for batch in read_file(path, names, Layout())] == [{names[0]: ["a"], names[1]: ["b"]}]


def test_line_ends_of_old_macs_are_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\ra,b\rc,d\r")
    with pytest.raises(DataError, match=r"a.csv, row 1: there is a carriage return outside quotes. Save the file with"):
        list_columns(path, Layout())
