"""Packed files, Arrow and archives."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penjing.data.sources import FaultLog, Layout, read_file
from penjing.errors import DataError, RecipeError

TEXTS = [f"text number {number} 第{number}篇" for number in range(20_000)]


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return bytes(sink.getvalue())


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}


def texts_of(path: Path, **layout: Any) -> list[str]:
    return [text for batch in read_file(path, ("text",), Layout(**layout)) for text in batch.columns["text"]]


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_text_is_read_and_one_that_is_cut_off_as_far_as_it_goes(tmp_path: Path, kind: str) -> None:
    packed = PACKERS[kind]("\n".join(TEXTS).encode())
    path = tmp_path / f"a.txt.{kind}"
    path.write_bytes(packed)
    assert texts_of(path) == TEXTS
    path.write_bytes(packed + PACKERS[kind](b"\nand more"))
    assert texts_of(path) == [*TEXTS, "and more"]
    path.write_bytes(packed[:-20])
    with pytest.raises(DataError, match=rf"a\.txt\.{kind}: the file ends in the middle"):
        texts_of(path)
    log = FaultLog()
    read = texts_of(path, log=log)
    assert log.count == 1
    assert read == TEXTS[: len(read)]
    assert kind == "bz2" or len(read) > 1000  # bzip2 packs blocks that are longer than this text


@pytest.mark.parametrize("kind", PACKERS)
def test_text_that_is_not_packed_as_its_name_says_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"a.txt.{kind}").write_bytes(b"plain text\n" * 100)
    with pytest.raises(DataError, match=r"the file is not \w+, or it is damaged.*remove \."):
        texts_of(tmp_path / f"a.txt.{kind}")


@pytest.mark.parametrize("is_file", [True, False])
def test_arrow_is_read_in_both_formats(tmp_path: Path, is_file: bool) -> None:
    table = pa.table({"text": TEXTS, "n": list(range(len(TEXTS)))})
    path = tmp_path / "a.arrow"
    with pa.OSFile(str(path), "wb") as sink:
        new = pa.ipc.new_file if is_file else pa.ipc.new_stream
        with new(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=7000)
    batches = list(read_file(path, ("text",), Layout()))
    assert [text for batch in batches for text in batch.columns["text"]] == TEXTS
    assert [row for batch in batches for row in batch.rows] == list(range(1, len(TEXTS) + 1))
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 2])
    with pytest.raises(DataError, match="not Arrow, or it is damaged"):
        texts_of(path)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(RecipeError, match='no column "txt"'):
        list(read_file(path, ("txt",), Layout()))


def box(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_archive_gives_the_rows_of_its_files_under_their_names(tmp_path: Path) -> None:
    files = {
        "in/b.csv": b"text,n\none,1\ntwo,2\n",
        "a.txt": "三\n四".encode("gb18030"),
        "__MACOSX/a.txt": b"no",
        "picture.png": b"\x89PNG",
        "in/": b"",
    }
    path = box(tmp_path / "box.zip", files)
    found: dict[Path, list[tuple[int, str]]] = {}
    for batch in read_file(path, ("text",), Layout(encoding="auto")):
        found.setdefault(batch.file, []).extend(zip(batch.rows, batch.columns["text"], strict=True))
    assert found == {path / "a.txt": [(1, "三"), (2, "四")], path / "in/b.csv": [(2, "one"), (3, "two")]}


def test_fault_in_an_archive_names_the_file_in_it(tmp_path: Path) -> None:
    path = box(tmp_path / "box.zip", {"in/b.csv": b"text,n\none,1\ntwo,2,3\nthree,4\n", "c.txt": b"more"})
    with pytest.raises(DataError, match=r"^box\.zip/in/b\.csv, row 3: the row has 3 cells"):
        texts_of(path)
    log = FaultLog()
    assert texts_of(path, log=log) == ["more", "one", "three"]
    assert [fault.where for fault in log.faults] == ["box.zip/in/b.csv, row 3"]
    with pytest.raises(RecipeError, match=r"^box\.zip/in/b\.csv: there is no column"):
        list(read_file(box(path, {"in/b.csv": b"a,b\n1,2\n"}), ("text",), Layout()))


def test_what_is_left_out_of_an_archive_is_counted_and_every_fault_of_a_file_in_it(tmp_path: Path) -> None:
    lines = b"text,n\n" + b"ragged,1,2\n" * 12_000
    files = {"a.txt": b"one", "inner.zip": b"x", "b.doc": b"x", "/etc/c.csv": lines, "x" * 250 + ".txt": b"long"}
    path = box(tmp_path / "box.zip", files)
    log = FaultLog()
    batches = list(read_file(path, ("text",), Layout(log=log)))
    assert [text for batch in batches for text in batch.columns["text"]] == ["one", "long"]
    assert {batch.file.parent for batch in batches} == {path, path / "etc"}
    assert (log.count, len(log.faults), log.left_out) == (12_000, 10_000, {".zip": 1, ".doc": 1})


def test_what_a_killed_process_has_unpacked_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = box(tmp_path / "box.zip", {"a.txt": b"one"})
    script = (
        "import os, sys; from pathlib import Path; from penjing.data.sources import Layout, read_file\n"
        "for batch in read_file(Path(sys.argv[1]), ('text',), Layout()): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    assert len(list(tmp_path.glob("penjing-unpacked-*/member.txt"))) == 1
    assert texts_of(path) == ["one"]
    assert list(tmp_path.glob("penjing-unpacked-*")) == []


def test_arrow_with_offsets_that_lead_nowhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    table = pa.table({"text": ["a" * 20, "b" * 20]})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    data = path.read_bytes()
    offsets = struct.pack("<3i", 0, 20, 40)
    assert data.count(offsets) == 1
    path.write_bytes(data.replace(offsets, struct.pack("<3i", 0, 20, 500_000_000)))
    with pytest.raises(DataError, match="not Arrow, or it is damaged"):
        texts_of(path)


def test_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"]], names=["text", "text"])
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    pq.write_table(table, tmp_path / "a.parquet")
    for name in ("a.arrow", "a.parquet"):
        with pytest.raises(RecipeError, match=rf'{name}: there are 2 columns "text"'):
            texts_of(tmp_path / name)


def test_zip_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    path = box(tmp_path / "bomb.zip", {"a.txt": b"\n" * (300 << 20), "b.txt": b"fine"})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(DataError, match=r"bomb\.zip/a\.txt: it unpacks to more than 200 times its size"):
        texts_of(path)
    log = FaultLog()
    assert texts_of(path, log=log) == ["fine"]


def test_damaged_and_locked_archives_are_refused(tmp_path: Path) -> None:
    path = box(tmp_path / "box.zip", {"a.txt": "\n".join(TEXTS).encode()})
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(DataError, match=r"box\.zip: the file is no zip, or it is damaged"):
        texts_of(path)
    path.write_bytes(whole[:20_000] + b"\0" * 50 + whole[20_050:])
    with pytest.raises(DataError, match=r"box\.zip/a\.txt: the file in it is damaged"):
        texts_of(path)
    locked = bytearray(box(path, {"a.txt": b"text"}).read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + place] |= 1
    path.write_bytes(locked)
    with pytest.raises(DataError, match=r"box\.zip/a\.txt: the file in it asks for a password"):
        texts_of(path)
    with pytest.raises(DataError, match=r"no file in it can be read"):
        texts_of(box(path, {"a.png": b"x"}))
