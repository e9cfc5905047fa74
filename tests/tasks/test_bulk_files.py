"""How answers stand in files."""

from __future__ import annotations

import csv
from pathlib import Path

from penjing.data.reading import read_rows
from penjing.tasks.bulk_files import Lines


def test_csv_holds_line_ends_of_every_kind_in_cells(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    texts = ["one\rtwo", "one\ntwo", "one\r\ntwo", "one\r", "\r\nx", 'a, "b"\r\n', "plain"]
    lines = Lines(path)
    content = lines.write([{"row": 1, "text": texts[0]}], with_header=True)
    content += lines.write([{"row": row, "text": text} for row, text in enumerate(texts[1:], 2)], with_header=False)
    path.write_text(content, encoding="utf-8", newline="")
    assert content.endswith("\n7,plain\n")
    with path.open(encoding="utf-8", newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == texts
    assert [text for rows in read_rows(str(path)) for text in rows.texts] == texts
