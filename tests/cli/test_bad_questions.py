"""Texts and labelled rows that a model cannot be asked with."""

from __future__ import annotations

import gzip
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

_MODEL = "runs/small/model"
#: What is called, with which standard input, the exit code, and what the paragraph must say.
CALLS: dict[str, tuple[list[str], bytes, int, list[str]]] = {
    "texts and a file at once": (["predict", _MODEL, "x", "--file", "rows.csv"], b"", 2, ["texts and --file"]),
    "file that is not there": (["predict", _MODEL, "--file", "row.csv"], b"", 2, ['Did you mean "rows.csv"?']),
    "column that is not there": (
        ["predict", _MODEL, "--file", "rows.csv", "--column", "body"],
        b"",
        2,
        ['rows.csv: there is no column "body"', "text, label"],
    ),
    "text that is empty": (["predict", _MODEL, "x", " "], b"", 2, ["row 2: the text is empty"]),
    "text that is no UTF-8": (["predict", _MODEL, "bad \udcff"], b"", 2, ["row 1", "no UTF-8"]),
    "standard input with broken UTF-8": (
        ["predict", _MODEL],
        b"good\nbad \xff\n",
        1,
        ["standard input, line 2", "0xFF is no UTF-8"],
    ),
    "standard input with broken UTF-8, asked for JSON": (
        ["predict", _MODEL, "--json"],
        b"good\nbad \xff\n",
        1,
        ["standard input, line 2"],
    ),
    "label that the model does not know": (
        ["evaluate", _MODEL, "other.csv"],
        b"",
        1,
        ["other.csv, row 3", '"neutral"', "negative, positive", "Correct the row"],
    ),
    "label that the model does not know, on standard input": (
        ["evaluate", _MODEL, "-"],
        b"text,label\na,positive\nb,neutral\n",
        1,
        ["row 3", '"neutral"'],
    ),
    "empty file": (["evaluate", _MODEL, "empty.csv"], b"", 1, ["empty.csv: the file is empty"]),
    "header without rows": (["evaluate", _MODEL, "header.csv"], b"", 1, ["header.csv: there is no row"]),
    "gzip that was cut off": (["evaluate", _MODEL, "cut.csv.gz"], b"", 1, ["cut.csv.gz", "interrupted download"]),
    "Parquet that was cut off": (["evaluate", _MODEL, "cut.parquet"], b"", 1, ["cut.parquet", "cut off", "again"]),
    "text column that is not there": (
        ["evaluate", _MODEL, "rows.csv", "--text", "txt"],
        b"",
        2,
        ['rows.csv: there is no column "txt"', 'Did you mean "text"?'],
    ),
    "package that is not installed": (
        ["evaluate", _MODEL, "package:no_such_wheel/rows.csv"],
        b"",
        2,
        ["no_such_wheel is not installed", "pip install"],
    ),
    "label of two lines that a terminal would obey": (
        ["evaluate", _MODEL, "-"],
        b'text,label\na,"bad\n\x1b[31m label"\n',
        1,
        ['"bad \\x1b[31m label"'],
    ),
    "label column that is not there": (
        ["evaluate", _MODEL, "rows.csv", "--label", "class"],
        b"",
        2,
        ['rows.csv: there is no column "class"', "text, label"],
    ),
}


@pytest.fixture(scope="module")
def place(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    copy = trained[0].copy_to(tmp_path_factory.mktemp("questions"))
    (copy.folder / "other.csv").write_text("text,label\na,positive\nb,neutral\n", encoding="utf-8")
    (copy.folder / "empty.csv").write_bytes(b"")
    (copy.folder / "cut.csv.gz").write_bytes(gzip.compress((copy.folder / "rows.csv").read_bytes())[:-20])
    parquet = copy.folder / "cut.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "label": ["positive", "negative"]}), parquet)
    parquet.write_bytes(parquet.read_bytes()[:-100])
    (copy.folder / "header.csv").write_text("text,label\n", encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def answers(cli: Any, place: Any) -> dict[str, Any]:
    return cli.run_all({name: cli.call(place.folder, args, stdin) for name, (args, stdin, _, _) in CALLS.items()})


@pytest.mark.parametrize("case", CALLS)
def test_question_that_cannot_be_answered_is_refused_in_one_paragraph(case: str, answers: dict[str, Any]) -> None:
    _, _, code, words = CALLS[case]
    answers[case].assert_refused(code, *words)
