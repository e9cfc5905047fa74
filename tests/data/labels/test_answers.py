"""Answers are on the disk when they are given, survive whatever happens, and are refused where they do not belong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.full_files import at_most_bytes

from penjing.data.keys import text_ids
from penjing.data.labels.answers import Answer, AnswerFile, AnswerLog, check_answers, read_answers
from penjing.data.labels.applying import Applied, apply_answers
from penjing.data.sources import Layout
from penjing.errors import DataError, DiskFullError, UsageError


def answer(key: str, label: str | None, *, undone: bool = False) -> Answer:
    return Answer(key, "rows.csv", 2, label, "2026-03-02T14:05:00+00:00", undone)


def test_later_answers_win_and_undoing_gives_the_label_before() -> None:
    log = AnswerLog([answer("a", "x"), answer("b", "x"), answer("a", "y")])
    assert log.labels == {"a": "y", "b": "x"}
    for left in ({"a": "x", "b": "x"}, {"a": "x"}, {}):
        line = log.undoing()
        assert line is not None
        log.add(line)
        assert log.labels == left
    assert log.undoing() is None


def test_what_is_written_is_read_again_undone_answers_too(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerFile(path) as file:
        for line in (answer("a", "好"), answer("b", "x")):
            file.append(line)
        undoing = file.log.undoing()
        assert undoing is not None
        file.append(undoing)
        written = file.log
    read, cut = read_answers(path)
    assert (read.lines, read.labels, cut) == (written.lines, {"a": "好"}, 0)
    assert read.undoing() == answer("a", None, undone=True) or read.undoing().id == "a"  # type: ignore[union-attr]
    assert "undone" not in json.loads(path.read_text(encoding="utf-8").splitlines()[0])


@pytest.mark.parametrize("torn", ['{"id": "b", "file": "ro', "好"])
def test_half_an_answer_is_cut_off_and_the_next_stands_on_its_own_line(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerFile(path) as file:
        file.append(answer("a", "x"))
    with path.open("ab") as file_:
        file_.write(torn.encode())
    assert read_answers(path)[1] == len(torn.encode())
    with AnswerFile(path) as file:
        assert file.cut_bytes == len(torn.encode())
        file.append(answer("c", "y"))
    read, cut = read_answers(path)
    assert (read.labels, cut) == ({"a": "x", "c": "y"}, 0)


def test_a_whole_answer_without_its_line_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerFile(path) as file:
        file.append(answer("a", "x"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with AnswerFile(path) as file:
        assert (file.log.labels, file.cut_bytes) == ({"a": "x"}, 0)
        file.append(answer("b", "y"))
    assert read_answers(path)[0].labels == {"a": "x", "b": "y"}


@pytest.mark.parametrize("line", ["{", "[]", '{"id": 1}', '{"id": "a", "file": "f", "row": 1, "label": 2, "time": ""}'])
def test_a_broken_line_before_the_last_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerFile(path) as file:
        file.append(answer("a", "x"))
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"answers\.jsonl, line 2: the line is no"):
        AnswerFile(path)


def test_two_processes_do_not_write_the_same_answers(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    program = (
        f"from pathlib import Path; from penjing.data.labels.answers import AnswerFile; AnswerFile(Path({str(path)!r}))"
    )
    with AnswerFile(path):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "another penjing data label is writing these answers" in done.stderr
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_answers_of_another_file_or_label_are_refused() -> None:
    log = AnswerLog([answer("a", "x"), answer("b", "y"), answer("c", "x")])
    assert check_answers(log, {"a", "b"}, ["x", "y"], "rows.csv", "answers.jsonl") == 1
    with pytest.raises(DataError, match=r'answer 2: the label is "y"; --labels are x, z'):
        check_answers(log, {"a", "b", "c"}, ["x", "z"], "rows.csv", "answers.jsonl")
    with pytest.raises(
        DataError, match=r"2 of 3 answers are about texts that other.csv does not have; .* for rows.csv"
    ):
        check_answers(log, {"a"}, [], "other.csv", "answers.jsonl")


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_applied_answers_change_labels_and_nothing_else(tmp_path: Path, kind: str) -> None:
    source, to = tmp_path / "rows.jsonl", tmp_path / f"new.{kind}"
    rows = [
        {"n": 1, "text": "good", "label": "bad"},
        {"n": 2, "text": "bad", "label": "bad", "extra": "kept"},
        {"n": 3, "text": "good", "label": None},
        {"n": 4, "text": "unknown", "label": ""},
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    before = source.read_bytes()
    labels = {text_ids(["good"])[0]: "good"}
    applied = apply_answers(source, "text", "label", labels, Layout(), to)
    assert applied == Applied(rows=3, answered=2, changed=1, left_out=1)
    assert source.read_bytes() == before
    text = to.read_text(encoding="utf-8")
    if kind == "jsonl":
        assert [json.loads(line) for line in text.splitlines()] == [
            {"n": 1, "text": "good", "label": "good"},
            rows[1],
            {"n": 3, "text": "good", "label": "good"},
        ]
    else:
        gap = {"csv": ",", "tsv": "\t"}[kind]
        lines = ["n,text,label,extra", "1,good,good,", "2,bad,bad,kept", "3,good,good,"]
        assert text.splitlines() == [line.replace(",", gap) for line in lines]
    with pytest.raises(UsageError, match="there is such a file already"):
        apply_answers(source, "text", "label", labels, Layout(), to)


def test_a_column_of_labels_is_added_where_there_is_none(tmp_path: Path) -> None:
    source, to = tmp_path / "rows.parquet", tmp_path / "new.csv"
    pq.write_table(pa.table({"text": ["a, b", "c"], "n": [1.0, None]}), source)
    applied = apply_answers(source, "text", "kind", {text_ids(["a, b"])[0]: "x"}, Layout(), to)
    assert (applied.rows, applied.left_out) == (1, 1)
    assert to.read_text(encoding="utf-8").splitlines() == ["text,n,kind", '"a, b",1,x']


def test_what_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"text": "a\\tb", "label": "x"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="holds a tab"):
        apply_answers(source, "text", "label", {}, Layout(), tmp_path / "new.tsv")
    with pytest.raises(UsageError, match=r"known are \.csv, \.tsv, \.jsonl"):
        apply_answers(source, "text", "label", {}, Layout(), tmp_path / "new.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_answer_that_found_no_room_is_not_written_with_the_next(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    with AnswerFile(path) as file:
        file.append(answer("a", "x"))
        whole = path.read_bytes()
        with pytest.raises(DiskFullError), at_most_bytes(len(whole) + 40):
            file.append(answer("b", "x"))
        assert path.read_bytes() == whole
        file.append(answer("c", "y"))
        assert file.log.labels == {"a": "x", "c": "y"}
    assert read_answers(path)[0].labels == {"a": "x", "c": "y"}
