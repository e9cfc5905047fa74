"""Minimal pairs are read from a zip in place or from a table, and what is broken is named."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from penjing.data.minimal_pairs import MinimalPair, holds_minimal_pairs, read_minimal_pairs
from penjing.errors import DataError, RecipeError

ROW = {"sentence_good": "They sleep.", "sentence_bad": "They sleeps.", "UID": "agreement", "field": "syntax/semantics"}


def write_zip(path: Path, files: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def test_zip_is_read_in_place_without_what_a_mac_adds(tmp_path: Path) -> None:
    named = {**ROW, "linguistics_term": "agreement_term"}
    files = {
        "data/b.jsonl": lines(named),
        "data/a.jsonl": lines({"sentence_good": "很好看🎬", "sentence_bad": "好很看🎬"}),
        "__MACOSX/data/._b.jsonl": b"\x00\x05",
        "data/.DS_Store": b"\x00",
        "readme.md": b"# Pairs",
    }
    address = write_zip(tmp_path / "pairs.zip", files)
    assert holds_minimal_pairs(address)
    assert read_minimal_pairs(address) == [
        MinimalPair("很好看🎬", "好很看🎬", "a"),
        MinimalPair("They sleep.", "They sleeps.", "agreement", "agreement_term", "syntax_semantics"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.zip"]


@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_table_with_both_columns_is_one_of_pairs(tmp_path: Path, kind: str, more: bool) -> None:
    path = tmp_path / f"pairs.{kind}"
    row = {"sentence_good": "a b", "sentence_bad": "b a", **({"UID": "order"} if more else {})}
    path.write_bytes(lines(row) if kind == "jsonl" else f"{','.join(row)}\n{','.join(row.values())}\n".encode())
    assert holds_minimal_pairs(str(path))
    assert read_minimal_pairs(str(path)) == [MinimalPair("a b", "b a", "order" if more else "pairs")]


@pytest.mark.parametrize("name", ["texts.csv", "texts.txt"])
def test_table_of_texts_is_none_of_pairs(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("text\na b\n", encoding="utf-8")
    assert not holds_minimal_pairs(str(tmp_path / name))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    for name in ("none.zip", "none.csv"):
        with pytest.raises(RecipeError):
            read_minimal_pairs(str(tmp_path / name))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lines(ROW) + b'{"sentence_good": ', r"pairs.zip, a.jsonl, line 2: the line is no JSON"),
        (lines(ROW, ROW, ["x"]), r"line 3: the line is a JSON array"),
        (lines({"sentence_good": "x"}), r'line 1: there is no column "sentence_bad"'),
        (lines({**ROW, "sentence_bad": " "}), r"line 1: \"sentence_bad\" is ' ', which is no text"),
        (lines({**ROW, "sentence_bad": None}), r'line 1: "sentence_bad" is empty or missing'),
        (lines({**ROW, "sentence_good": 3}), r"line 1: \"sentence_good\" is '3', which is no text"),
        (b"\n" + lines(ROW).replace(b"They", b"\xff\xfe", 1), r"line 2: the byte 0xFF is no UTF-8"),
        (b"\n\n", r"pairs.zip: there is no pair"),
    ],
)
def test_broken_line_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_minimal_pairs(write_zip(tmp_path / "pairs.zip", {"a.jsonl": content}))


def test_zip_that_was_cut_off_or_changed_is_refused(tmp_path: Path) -> None:
    address = write_zip(tmp_path / "pairs.zip", {"a.jsonl": lines(*[ROW] * 50)})
    whole = Path(address).read_bytes()
    Path(address).write_bytes(whole[:-40])
    with pytest.raises(DataError, match=r"pairs.zip: the zip is damaged.*Fetch it again"):
        read_minimal_pairs(address)
    start = whole.index(b"a.jsonl") + 30
    Path(address).write_bytes(whole[:start] + b"\xff" * 20 + whole[start + 20 :])
    with pytest.raises(DataError, match=r"pairs.zip, a.jsonl, line \d+: the zip is damaged"):
        read_minimal_pairs(address)


def test_zip_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no \.jsonl file in it"):
        read_minimal_pairs(write_zip(tmp_path / "pairs.zip", {"readme.md": b"x"}))


def test_blimp_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "blimp.zip"
    if not path.exists():
        pytest.skip("blimp.zip is not here")
    pairs = read_minimal_pairs(str(path))
    assert (len(pairs), len({pair.set_name for pair in pairs})) == (67_000, 67)
    assert {pair.field for pair in pairs} == {"morphology", "semantics", "syntax", "syntax_semantics"}
    assert len({pair.term for pair in pairs}) == 13
