"""Encodings: what people's files are in is found, and what is no text is not taken for any."""

from __future__ import annotations

import csv
import gzip
import json
import random
from pathlib import Path

import pytest

from penjing.data.sources import FaultLog, Layout, read_file
from penjing.data.sources.encodings import detect_encoding
from penjing.errors import DataError

CHINESE = [
    "这家酒店的位置很好，房间也干净。",
    "书的内容一般，印刷还不错。",
    "物流太慢了，等了五天才到！",
    "电池续航令人满意。",
]
TRADITIONAL = ["這家酒店的位置很好，房間也乾淨。", "書的內容一般，印刷還不錯。", "電池續航令人滿意。"]
GERMAN = ["Das Café in Köln ist schön, der Kuchen süß.", "Früher war die Straße voller Bäume."]


def texts_of(path: Path, encoding: str = "auto", log: FaultLog | None = None) -> list[str]:
    layout = Layout(encoding=encoding, log=log)
    return [text for batch in read_file(path, ("text",), layout) for text in batch.columns["text"]]


@pytest.mark.parametrize(
    ("texts", "encoding"),
    [
        (CHINESE, "utf-8"),
        (CHINESE, "utf-8-sig"),
        (CHINESE, "gb18030"),
        (CHINESE, "gb2312"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-16-le"),
        (TRADITIONAL, "big5"),
        (GERMAN, "cp1252"),
        (GERMAN, "utf-8"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl", "a.csv"])
def test_encoding_of_a_file_is_found(tmp_path: Path, texts: list[str], encoding: str, name: str) -> None:
    rows = {
        "a.jsonl": [json.dumps({"text": text}, ensure_ascii=False) for text in texts],
        "a.csv": ["text", *(f'"{text}"' for text in texts)],
    }
    content = "\n".join(rows.get(name, texts)).encode(encoding)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    log = FaultLog()
    assert texts_of(path, log=log) == texts
    assert (log.count, sum(log.encodings.values())) == (0, 1)


def test_named_encoding_is_used_and_a_byte_that_is_not_of_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\n".join(CHINESE).encode("gb18030") + b"\n\xff\xff\n")
    with pytest.raises(DataError, match="0xFF is no GB18030"):
        texts_of(path, "gb18030")
    log = FaultLog()
    assert texts_of(path, "gb18030", log)[:4] == CHINESE
    assert log.count == 1


def test_line_that_breaks_utf8_is_left_out_and_its_number_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"".join(text.encode() + b"\n" for text in CHINESE * 10) + b"bad \xff\xfe line\nlast\n")
    log = FaultLog()
    assert texts_of(path, log=log) == [*CHINESE * 10, "last"]
    assert [fault.where for fault in log.faults] == ["a.txt, line 41, byte 1,574"]


@pytest.mark.parametrize("has_nul", [True, False])
def test_bytes_that_are_no_text_are_refused(has_nul: bool) -> None:
    data = random.Random(0).randbytes(50_000)
    with pytest.raises(DataError, match=r"picture\.txt: this is no text"):
        detect_encoding(data if has_nul else data.replace(b"\0", b"x"), Path("picture.txt"))


def test_headlines_in_gb18030_are_found_one_by_one(shared_data: Path) -> None:
    with (shared_data / "thucnews" / "dev.txt").open(encoding="utf-8", newline="") as file:
        lines = [row[0] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    drawn = random.Random(1).sample(lines, 200)
    found = [detect_encoding(line.encode("gb18030"), Path("a.txt")) for line in drawn]
    wrong = [line for line, name in zip(drawn, found, strict=True) if line.encode("gb18030").decode(name) != line]
    assert len(wrong) <= 4, wrong
