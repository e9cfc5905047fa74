"""Sources: every kind of file is read right, and every bad file is refused with its file, its row and what to do."""

from __future__ import annotations

import csv
import gzip
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.data.sources import Layout, group_by_split, locate_package_folder, read_file, source_files
from penjing.errors import DataError, PenjingError, RecipeError

PAIR = ("text", "label")


def read(path: Path, wanted: tuple[str, ...] = PAIR, **layout: Any) -> tuple[list[tuple[Any, ...]], list[int]]:
    """Returns the rows, as tuples of the columns wanted, and their numbers."""
    rows: list[tuple[Any, ...]] = []
    numbers: list[int] = []
    for batch in read_file(path, wanted, Layout(**layout)):
        rows += zip(*(batch.columns[name] for name in wanted), strict=True)
        numbers += batch.rows
    return rows, numbers


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path, error: type[PenjingError], *words: str, wanted: tuple[str, ...] = PAIR, **layout: Any) -> str:
    """Checks that a file is refused in one paragraph that holds some words; returns it."""
    with pytest.raises(error) as caught:
        read(path, wanted, **layout)
    message = str(caught.value)
    assert caught.value.exit_code == (2 if issubclass(error, RecipeError) else 1)
    assert "\n" not in message
    assert message.endswith((".", "?")) or "iconv" in message or "gunzip" in message or "pip install" in message
    for word in (path.name, *words):
        assert word in message
    return message


# What is read


def test_csv_gives_only_the_columns_asked_for_with_their_row_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text,label\n1,good,pos\n2,bad,neg\n")
    assert read(path) == ([("good", "pos"), ("bad", "neg")], [2, 3])
    assert read(path, ("label",)) == ([("pos",), ("neg",)], [2, 3])


def test_byte_order_mark_and_windows_line_ends_are_not_part_of_the_data(tmp_path: Path) -> None:
    content = "\ufefftext,label\r\ngood,pos\r\nbad,neg\r\n"
    assert read(write(tmp_path / "a.csv", content))[0] == [("good", "pos"), ("bad", "neg")]
    assert read(write(tmp_path / "a.tsv", content.replace(",", "\t")))[0] == [("good", "pos"), ("bad", "neg")]
    assert read(write(tmp_path / "a.txt", "\ufeffgood\r\nbad\r\n"), ("text",))[0] == [("good",), ("bad",)]
    assert read(write(tmp_path / "a.jsonl", '\ufeff{"text": "good"}\r\n'), ("text",))[0] == [("good",)]


def test_csv_cells_in_quotes_hold_line_ends_and_later_rows_name_their_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\n"one\ntwo, ""three""",pos\nbad,neg\n')
    assert read(path) == ([('one\ntwo, "three"', "pos"), ("bad", "neg")], [2, 3])
    batch = next(read_file(path, PAIR, Layout()))
    assert batch.place(1) == "a.csv, row 3 (line 4)"


def test_tsv_takes_quotes_as_characters_unless_told_otherwise(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'text\tlabel\n"so bad\t0\n""\t1\n')
    assert read(path)[0] == [('"so bad', "0"), ('""', "1")]
    quoted = write(tmp_path / "b.tsv", 'text\tlabel\n"a\tb"\t0\n')
    assert read(quoted, quotes=True)[0] == [("a\tb", "0")]


def test_columns_name_those_of_a_file_without_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", "good\t1\nbad\t0\n")
    assert read(path, columns=("text", "label")) == ([("good", "1"), ("bad", "0")], [1, 2])


def test_a_header_that_is_just_the_names_given_is_not_a_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\ngood,1\n")
    assert read(path, columns=("text", "label")) == ([("good", "1")], [2])


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson"])
def test_json_lines_skip_blank_lines_and_keep_their_numbers(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, '{"text": "a", "label": 1}\n\n  \n{"text": "b", "label": null}\n{"text": "c"}\n')
    assert read(path) == ([("a", 1), ("b", None), ("c", None)], [1, 4, 5])


def test_parquet_is_read_in_order_across_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"t{i}" for i in range(3000)], "label": list(range(3000)), "x": [None] * 3000})
    pq.write_table(table, path, row_group_size=700)
    rows, numbers = read(path)
    assert rows == [(f"t{i}", i) for i in range(3000)]
    assert numbers == list(range(1, 3001))


def test_plain_text_is_one_text_a_line_under_any_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one\n\n  two \nthree")
    assert read(path, ("review",)) == ([("one",), ("  two ",), ("three",)], [1, 3, 4])


@pytest.mark.parametrize(("name", "content"), [("a.csv", "text\nx\ny\n"), ("a.jsonl", '{"text":"x"}\n{"text":"y"}\n')])
def test_gzip_is_unpacked_on_the_way(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path / f"{name}.gz", gzip.compress(content.encode()))
    assert read(path, ("text",))[0] == [("x",), ("y",)]


def test_rows_cross_the_borders_of_blocks_unharmed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    texts = [f"{i}," + "好\n" * (i % 50) * 20 for i in range(3000)]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    assert path.stat().st_size > 3 << 20
    assert [row[0] for row in read(path, ("text",))[0]] == texts


def test_bytes_consumed_sum_to_the_size_of_the_file(tmp_path: Path) -> None:
    body = "text,label\n" + "some words,1\n" * 200_000
    plain = write(tmp_path / "a.csv", body)
    packed = write(tmp_path / "a.csv.gz", gzip.compress(body.encode()))
    lines = write(tmp_path / "a.jsonl", '{"text": "a b", "label": 1}\n' * 5000)
    for path in (plain, packed, lines):
        assert sum(batch.consumed for batch in read_file(path, PAIR, Layout())) == path.stat().st_size


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(*[st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)] * 2),
        min_size=1,
    )
)
def test_any_text_survives_csv(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([PAIR, *rows])
    assert read(path)[0] == rows


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_text_survives_json_lines(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    assert [row[0] for row in read(path, ("text",))[0]] == texts


def test_reading_holds_no_more_than_some_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + f"{'word ' * 40},1\n" * 150_000, encoding="utf-8")
    tracemalloc.start()
    rows = sum(len(batch.rows) for batch in read_file(path, PAIR, Layout()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 150_000
    assert peak < 12e6 < path.stat().st_size


# What is refused


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.csv.gz", "a.parquet"])
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_empty_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    if name == "a.parquet" and content:
        pytest.skip("a byte order mark is no empty Parquet file")
    path = write(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)
    refused(path, DataError, "the file is empty", wanted=("text",))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.csv.gz"])
def test_broken_utf8_is_refused_with_its_line_and_byte(tmp_path: Path, name: str) -> None:
    start = "text\n好\n".encode() if "jsonl" not in name else '{"text":1}\n{"text":"好"}\n'.encode()
    content = start + "酒店".encode("gb18030") + b"\nfine\n"
    path = write(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)
    refused(path, DataError, "line 3", f"byte {len(start)}", "0xBE", "iconv -f GB18030 -t UTF-8", wanted=("text",))


def test_broken_utf8_far_into_a_file_is_found_at_its_place(tmp_path: Path) -> None:
    start = b"text\n" + b"some words here\n" * 200_000
    path = write(tmp_path / "a.csv", b"\xef\xbb\xbf" + start + b"ok \xff\n")
    refused(path, DataError, "line 200,002", f"byte {len(start) + 6:,}", wanted=("text",))


def test_utf16_is_refused_and_named(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.csv", "text,label\n".encode("utf-16")), DataError, "UTF-16", "iconv")
    refused(write(tmp_path / "b.csv", "text,label\n".encode("utf-16-le")), DataError, "NUL", "line 1, byte 1", "UTF-16")


def test_nul_byte_in_csv_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"text,label\nok,1\nb\0d,0\n")
    refused(path, DataError, "line 3, byte 17", "NUL")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.txt.gz"])
def test_too_long_line_is_refused_with_its_number_and_the_setting(tmp_path: Path, name: str) -> None:
    start = b'{"text":1}\n' * 2 if "jsonl" in name else b"text\n" * 2
    content = start + b"x" * 3_000_000 + b"\n"
    path = write(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)
    refused(path, DataError, "line 3", "longer than 2 MB", "max_line_mb", wanted=("text",), max_line_mb=2)


def test_line_without_end_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b"text,label\n")
        file.truncate(400_000_000)
        file.seek(11)
        for _ in range(20):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    refused(path, DataError, "line 2", "longer than 8 MB")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


def test_quote_never_closed_is_refused_where_it_opens(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\nok,1\n"open,0\nmore,1\n')
    refused(path, DataError, "row 3", "never closed", "quotes = false")
    big = write(tmp_path / "b.csv", 'text,label\nok,1\n"open,0\n' + "more words,1\n" * 500_000)
    refused(big, DataError, "line 3", "longer than 1 MB", "never closed", max_line_mb=1)


def test_row_of_many_lines_is_held_to_the_limit_exactly(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\n"' + "abc\n" * 2_500 + '",1\n')
    assert len(read(path, max_line_mb=0.0101)[0]) == 1
    refused(path, DataError, "line 2", max_line_mb=0.0099)


def test_quote_inside_a_quoted_cell_is_refused_with_its_row(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.csv", 'text,label\n"he said \\"hi\\"",1\n'), DataError, "row 2", 'written twice ("")')


def test_old_mac_line_ends_are_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.csv", "text,label\ra,1\rb,2\r"), DataError, "row 1", "carriage return")


@pytest.mark.parametrize(("name", "row"), [("a.csv", "ok,1\na, b,1\n"), ("a.tsv", "ok\t1\na\tb\t1\n")])
def test_ragged_row_is_refused_with_both_counts(tmp_path: Path, name: str, row: str) -> None:
    comma = "," if name == "a.csv" else "\t"
    path = write(tmp_path / name, f"text{comma}label\n{row}")
    refused(path, DataError, "row 3", "3 cells", "expected are 2", "text, label")
    short = write(tmp_path / f"b{name}", f"text{comma}label\nonly\n")
    refused(short, DataError, "row 2", "1 cell,")


def test_missing_column_is_refused_with_the_columns_and_the_nearest(tmp_path: Path) -> None:
    table = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a"], "lable": ["b"]}), table)
    for path in (
        write(tmp_path / "a.csv", "text,lable\na,b\n"),
        write(tmp_path / "a.tsv", "text\tlable\na\tb\n"),
        write(tmp_path / "a.jsonl", '{"text": "a", "lable": "b"}\n'),
        table,
    ):
        refused(path, RecipeError, 'no column "label"', "text, lable", 'Did you mean "lable"?')


def test_missing_header_is_guessed_at(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.tsv", "a film\t1\n"), RecipeError, "a film, 1", 'columns = ["text", "label"]')


def test_column_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.csv", "text,text,label\na,b,c\n"), RecipeError, '2 columns "text"')


def test_label_column_in_plain_text_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.txt", "a\t1\n"), RecipeError, "one column", ".tsv")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{bad}", "no JSON"),
        ("[1]", "JSON array"),
        ("3", "JSON number"),
        ('{"text": "\\ud800"}', "surrogate"),
        ("[" * 100_000, "depth"),
        ('{"text": ' + "9" * 5000 + "}", "cannot be read"),
    ],
)
def test_line_that_is_no_json_object_is_refused_with_its_row(tmp_path: Path, line: str, words: str) -> None:
    path = write(tmp_path / "a.jsonl", f'{{"text": "ok"}}\n{line}\n')
    refused(path, DataError, "row 2", words, wanted=("text",))


def test_truncated_gzip_is_named_as_an_interrupted_download(tmp_path: Path) -> None:
    packed = gzip.compress(b"text,label\n" + b"".join(b"row %d,1\n" % i for i in range(50_000)))
    path = write(tmp_path / "a.csv.gz", packed[: len(packed) // 2])
    refused(path, DataError, "ends in the middle", "interrupted download")


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.csv.gz", "text,label\na,b\n"), DataError, "not gzip")
    packed = bytearray(gzip.compress(b"text,label\n" + b"".join(b"row %d,1\n" % i for i in range(50_000))))
    packed[len(packed) // 2] ^= 0xFF
    refused(write(tmp_path / "b.csv.gz", bytes(packed)), DataError)


def test_truncated_or_damaged_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"text {i}" for i in range(20_000)], "label": ["x"] * 20_000}), path)
    whole = path.read_bytes()
    refused(write(path, whole[: len(whole) // 2]), DataError, "not Parquet", "cut off")
    refused(write(path, b"text,label\na,b\n"), DataError, "not Parquet")
    middle = len(whole) // 4
    refused(write(path, whole[:middle] + b"\xff" * 2000 + whole[middle + 2000 :]), DataError, "damaged")


def test_packed_parquet_is_refused_with_the_way_out(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.parquet.gz", b"x"), RecipeError, "gunzip")


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.doc"])
def test_unknown_extension_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, "x")
    message = refused(path, RecipeError, ".csv", ".jsonl", ".parquet", ".tsv", ".txt")
    assert name != "a.doc" or ".docx" in message
    with pytest.raises(RecipeError, match="Known are"):
        source_files(str(path))


# Addresses


def test_missing_file_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path / "reviews.csv", "text\na\n")
    with pytest.raises(RecipeError, match="no such file") as caught:
        source_files(str(tmp_path / "review.csv"))
    assert "reviews.csv" in str(caught.value)
    assert caught.value.exit_code == 2
    with pytest.raises(RecipeError, match="nor its folder"):
        source_files(str(tmp_path / "nowhere" / "a.csv"))


def test_folder_and_glob_stand_for_their_files_sorted(tmp_path: Path) -> None:
    for name in ("b.csv", "a.jsonl", ".hidden.csv", "README.md", "c.txt.gz"):
        write(tmp_path / name, "x")
    assert [file.name for file in source_files(str(tmp_path))] == ["a.jsonl", "b.csv", "c.txt.gz"]
    assert [file.name for file in source_files(str(tmp_path / "*.csv"))] == ["b.csv"]
    with pytest.raises(RecipeError, match="no file matches"):
        source_files(str(tmp_path / "*.tsv"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="holds no file"):
        source_files(str(tmp_path / "empty"))


def test_file_names_tell_the_splits() -> None:
    names = [
        "train.tsv",
        "train-1.csv",
        "dev.tsv",
        "valid_x.csv",
        "validation.csv",
        "TEST.jsonl.gz",
        "testament.txt",
        "class.txt",
    ]
    groups = {split: [file.name for file in files] for split, files in group_by_split(map(Path, names)).items()}
    assert groups == {
        "train": ["train.tsv", "train-1.csv"],
        "validation": ["dev.tsv", "valid_x.csv", "validation.csv"],
        "test": ["TEST.jsonl.gz"],
    }


def test_package_that_is_missing_is_named_with_its_installation() -> None:
    with pytest.raises(RecipeError, match="pip install no-such-reviews") as caught:
        source_files("package:no_such_reviews/data/a.csv")
    assert "not installed" in str(caught.value)
    for address in ("package:", "package:../etc/passwd"):
        with pytest.raises(RecipeError):
            source_files(address)


def test_file_in_a_package_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "penjing_test_reviews" / "data").mkdir(parents=True)
    write(tmp_path / "penjing_test_reviews" / "__init__.py", "raise RuntimeError")
    write(tmp_path / "penjing_test_reviews" / "data" / "a.csv", "text\na\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = source_files("package:penjing_test_reviews/data/a.csv")
    assert read(found[0], ("text",))[0] == [("a",)]
    assert locate_package_folder("package:penjing_test_reviews/data").is_dir()
    assert "penjing_test_reviews" not in sys.modules
    with pytest.raises(RecipeError, match=r"a\.csv"):
        source_files("package:penjing_test_reviews/data/b.csv")
