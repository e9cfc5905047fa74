"""Intake: a folder of anything becomes texts with their origin, and a list of what could not be read."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from penjing.data.corpus import build_corpus
from penjing.data.settings import TextData
from penjing.errors import DataError, RecipeError
from penjing.progress import Silent

GERMAN = "Das Zimmer war sauber, und das Personal sprach sehr gutes Englisch."
ENGLISH = [f"The rooms were clean, and the staff of house {number} was very friendly." for number in range(40)]


def build(folder: Path, **settings: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    counts = build_corpus(TextData(path=str(folder / "in"), **settings), None, 0, out, Silent())
    rows = [row for name in ("texts", "held_out", "test") for row in pq.read_table(out / f"{name}.parquet").to_pylist()]
    return counts, sorted(rows, key=lambda row: (row["source"], row["row"]))


@pytest.fixture
def anything(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    (place / "deep").mkdir(parents=True)
    (place / "a.txt").write_text("\n".join(ENGLISH[:10]))
    (place / "deep" / "a.txt").write_bytes(
        "酒店的位置很好。\n早餐也不错。\n物流太慢了，等了五天才到！".encode("gb18030")
    )
    (place / "deep" / "b.csv").write_text(f'text,n\n{ENGLISH[10][:9]},1\nragged,2,3\n"{ENGLISH[11]}",4\n')
    (place / "c.md").write_text("# Title\n\nA note.")
    (place / "cut.txt.gz").write_bytes(gzip.compress("\n".join(ENGLISH[12:]).encode())[:-12])
    (place / "binary.txt").write_bytes(bytes(range(256)) * 100)
    (place / "picture.png").write_bytes(b"\x89PNG")
    (place / "empty.jsonl").write_text("")
    os.symlink(place, place / "deep" / "loop")
    return tmp_path


def test_folder_of_anything_is_read_and_what_cannot_be_is_listed(anything: Path) -> None:
    counts, rows = build(anything)
    places = [(row["source"], row["row"]) for row in rows]
    chinese, english = [("deep/a.txt", row) for row in (1, 2, 3)], [("in/a.txt", row) for row in range(1, 11)]
    cut = [row for source, row in places if source == "cut.txt.gz"]
    assert cut == list(range(1, len(cut) + 1))
    assert 20 < len(cut) < 28
    rest = [place for place in places if place[0] != "cut.txt.gz"]
    assert rest == [("b.csv", 2), ("b.csv", 4), ("c.md", 1), *chinese, *english]
    assert counts["other_files"] == {".png": 1}
    assert counts["encodings"] == {"UTF-8": 4, "GB18030": 1}
    assert counts["files_read"] == 7
    lines = [json.loads(line) for line in (anything / "out" / "faults.jsonl").read_text("utf-8").splitlines()]
    assert counts["faults"] == len(lines) == 4
    assert sorted(line["where"] for line in lines) == ["b.csv, row 3", "binary.txt", "cut.txt.gz", "empty.jsonl"]


def test_first_fault_ends_it_where_faults_are_refused(anything: Path) -> None:
    with pytest.raises(DataError, match=r"binary\.txt"):
        build(anything, faults="refuse")
    assert not (anything / "out" / "texts.parquet").exists()


def test_fault_is_the_reason_where_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(DataError, match=r"a\.txt: this is no text"):
        build(tmp_path)


def test_file_that_vanishes_is_listed_and_the_rest_is_read(anything: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = anything / "in" / "c.md"
    read = Path.open

    def open_after_it_went(self: Path, *args: Any, **more: Any) -> Any:
        if self.name == "binary.txt":  # is read before it
            gone.unlink(missing_ok=True)
        return read(self, *args, **more)

    monkeypatch.setattr(Path, "open", open_after_it_went)
    counts, rows = build(anything)
    assert "c.md" not in {row["source"] for row in rows}
    assert counts["faults"] == 5


def test_folder_without_anything_that_can_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"x")
    with pytest.raises(RecipeError, match=r"holds no file that can be read.*\.docx"):
        build(tmp_path)


def test_foreign_texts_are_dropped_and_kept_beside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("\n".join([*ENGLISH, GERMAN]))
    counts, rows = build(tmp_path, languages=["en"])
    assert (counts["foreign"], len(rows)) == (1, 40)
    (dropped,) = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert (dropped["text"], dropped["row"], dropped["reason"]) == (GERMAN, 41, "language.de")
    assert dropped["value"] > 0.9


def test_paragraphs_that_come_again_are_cut_out_and_kept_beside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    footer = "Copyright 2026 by the publisher. All rights reserved worldwide."
    for number, text in enumerate(ENGLISH[:5]):
        (tmp_path / "in" / f"{number}.txt").write_text(f"{text}\n\n{footer}\n")
    (tmp_path / "in" / "9.txt").write_text(footer)
    counts, rows = build(tmp_path, unit="file", paragraph_duplicates=True)
    assert (counts["paragraphs"], counts["emptied"], counts["documents"]) == (5, 1, 3)
    assert [row["text"] for row in rows] == [f"{ENGLISH[0]}\n\n{footer}\n", *ENGLISH[1:5]]
    dropped = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert [(row["source"], row["reason"]) for row in dropped] == [
        (name, "paragraph") for name in ("1.txt", "2.txt", "3.txt", "4.txt", "9.txt")
    ]


def test_normal_form_makes_duplicates_of_texts_that_differ_in_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("\n".join([*ENGLISH, ENGLISH[0].replace(" ", "\u00a0 "), "cafÃ© au lait"]))
    counts, rows = build(tmp_path, normalize={})
    assert (counts["normalized"], counts["duplicates"]) == (2, 1)
    assert rows[-1]["text"] == "café au lait"


def test_many_small_files_are_read_and_one_with_a_name_that_is_no_utf8_too(tmp_path: Path) -> None:
    place = tmp_path / "in"
    place.mkdir()
    for number in range(3000):
        (place / f"{number:04}.txt").write_text(f"text number {number}")
    Path(os.fsdecode(os.fsencode(place) + b"/\xd6\xd0\xce\xc4.txt")).write_text("a name in GBK")
    counts, rows = build(tmp_path)
    assert (counts["files_read"], len(rows)) == (3001, 3001)
    assert [row["source"] for row in rows][-1] == "\\xd6\\xd0\\xce\\xc4.txt"


def test_private_value_that_is_no_text_is_not_written_to_the_list_of_faults(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines = [json.dumps({"text": text}) for text in (*ENGLISH, ["bob@example.com is ill"])]
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(lines))
    build(tmp_path)
    listed = (tmp_path / "out" / "faults.jsonl").read_text("utf-8")
    assert "of the kind list" in listed
    assert "bob" not in listed
