"""``penjing predict --file --out`` through the real command line, killed and gone on with."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penjing.cli import predict_file
from penjing.cli.model_app import predict
from penjing.cli.predict_file import FileCall, predict_into
from penjing.errors import DataError, PenjingError, UsageError
from penjing.progress import Silent, SilentBar
from penjing.tasks.bulk import BulkOutput

KINDS = ("jsonl", "csv", "parquet")


def texts_of(count: int, words: int = 6) -> list[str]:
    rng = random.Random(count)
    known = ("lovely", "dull", "film", "plot", "a, b", 'so "fine"', "精彩", "🎬", "scene", "slow")
    return [f"{' '.join(rng.choices(known, k=words))} {number}" for number in range(count)]


def write_rows(path: Path, texts: list[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([[number, text] for number, text in enumerate(texts)])
    return path


@pytest.fixture(scope="module")
def model(trained: Any) -> Path:
    return Path(trained[0].model)


def answers(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def beside(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir() if file.name.startswith((path.name, f".{path.name}")))


@pytest.mark.parametrize("kind", KINDS)
def test_killed_call_goes_on_to_the_same_file(cli: Any, model: Path, tmp_path: Path, kind: str) -> None:
    """With ``kill -9``, when something is written; byte for byte."""
    rows = write_rows(tmp_path / "rows.csv", texts_of(16000))
    whole, killed = tmp_path / f"whole.{kind}", tmp_path / f"killed.{kind}"
    call = ("predict", str(model), "--file", str(rows), "--out")
    process = cli.start(*call, str(killed), cwd=tmp_path)
    journal = tmp_path / f"killed.{kind}.journal"
    ends = time.monotonic() + 60
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < ends
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not killed.exists()
    with (tmp_path / f"killed.{kind}.part").open("ab") as part:
        part.write(b"torn")  # what the journal does not know of
    done = cli.run(*call, str(killed), cwd=tmp_path)
    assert done.code == 0, done.err
    assert "Going on after " in done.err
    assert cli.run(*call, str(whole), cwd=tmp_path).code == 0
    assert killed.read_bytes() == whole.read_bytes()
    assert beside(killed) == [killed.name]
    found = answers(whole)
    assert [row["text"] for row in found] == texts_of(16000)
    assert [int(row["row"]) for row in found] == list(range(2, 16002))


def run(model: Path, file: Path, out: Path, **more: Any) -> None:
    predict_into(FileCall(model, file, out, "label", **more), as_json=False)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_the_model(model: Path, tmp_path: Path, kind: str) -> None:
    import penjing

    texts = texts_of(50)
    run(model, write_rows(tmp_path / "rows.csv", texts), tmp_path / f"out.{kind}")
    expected = penjing.load(model).predict(texts)
    for row, one in zip(answers(tmp_path / f"out.{kind}"), expected, strict=True):
        assert row["label"] == one.label
        assert float(row["probability"]) == pytest.approx(one.probability, abs=1e-6)
        chance = row["probabilities"][one.label] if kind == "jsonl" else row[f"probabilities.{one.label}"]
        assert float(chance) == pytest.approx(one.probability, abs=1e-6)


def _gzip(path: Path, texts: list[str]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(texts))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.txt", lambda path, texts: path.write_text("\n".join(texts), encoding="utf-8")),
        ("rows.txt.gz", _gzip),
        ("rows.jsonl", lambda path, texts: path.write_text("\n".join(json.dumps({"text": t}) for t in texts))),
        ("rows.json", lambda path, texts: path.write_text(json.dumps([{"text": text} for text in texts]))),
        ("rows.parquet", lambda path, texts: pq.write_table(pa.table({"text": texts}), path)),
        ("rows.tsv", lambda path, texts: path.write_text("text\n" + "\n".join(texts), encoding="utf-8")),
    ],
)
def test_every_kind_of_file_is_answered(
    model: Path, tmp_path: Path, name: str, write: Callable[[Path, list[str]], Any]
) -> None:
    texts = texts_of(20)
    write(tmp_path / name, texts)
    run(model, tmp_path / name, tmp_path / "out.jsonl")
    assert [row["text"] for row in answers(tmp_path / "out.jsonl")] == texts


def test_memory_does_not_grow_with_the_rows(cli: Any, model: Path, tmp_path: Path) -> None:
    """Six times the rows, 30 MB of them and 30 MB of answers, in hardly more memory than a sixth takes."""

    def peak_mb(rows: int) -> float:
        text = f"lovely dull film {'x' * 1000} "
        file = tmp_path / f"rows{rows}.txt"
        with file.open("w", encoding="utf-8") as writer:
            for number in range(rows):
                writer.write(f"{text}{number}\n")
        command = cli.command("predict", str(model), "--file", str(file), "--out", str(tmp_path / f"out{rows}.csv"))
        process = subprocess.Popen(command, env=cli.environment, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        file.unlink()
        return usage.ru_maxrss / 1024

    small, large = peak_mb(5000), peak_mb(30000)
    assert large < small + 20


def test_bad_rows_are_listed_with_file_and_row_and_the_rest_is_answered(model: Path, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "out.jsonl"
    rows.write_text("id,text\n1,fine\n2,\n3,a,b\n4,lovely\n", encoding="utf-8")
    run(model, rows, out, bad="list")
    assert [(row["row"], row["text"]) for row in answers(out)] == [(2, "fine"), (5, "lovely")]
    bad = [json.loads(line) for line in (tmp_path / "out.jsonl.bad.jsonl").read_text().splitlines()]
    assert {row["where"].split("row ")[1].split(",")[0] for row in bad} == {"3", "4"}
    assert all(row["where"].startswith("rows.csv, row") for row in bad)


def test_file_of_bad_rows_alone_is_said_to_be_one(model: Path, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "out.jsonl"
    rows.write_text("id,text\n1,\n2,a,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"rows.csv: nothing of it can be read. Why stands in .*out.jsonl.bad.jsonl"):
        run(model, rows, out, bad="list")
    assert len((tmp_path / "out.jsonl.bad.jsonl").read_text().splitlines()) == 2


def test_call_stops_at_a_bad_row_and_can_go_on_past_it(model: Path, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    write_rows(rows, [*texts_of(5000), " ", "fine"])
    with pytest.raises(DataError, match=r"rows\.csv, row 5,?002"):
        run(model, rows, out)
    assert beside(out) == ["out.csv.journal", "out.csv.part"]
    run(model, rows, out, bad="list")
    assert len(answers(out)) == 5001
    assert beside(out) == ["out.csv", "out.csv.bad.jsonl"]


def test_stopped_call_is_resumable(cli: Any, model: Path, tmp_path: Path) -> None:
    rows, out = write_rows(tmp_path / "rows.csv", texts_of(40_000)), tmp_path / "out.csv"
    process = cli.start("predict", str(model), "--file", str(rows), "--out", str(out), cwd=tmp_path)
    journal = tmp_path / "out.csv.journal"
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 2):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    done = cli.finish(process)
    assert done.code == 130, done.err
    assert "Run the same command again to go on" in done.err
    assert beside(out) == ["out.csv.journal", "out.csv.part"]


def test_what_cannot_be_gone_on_with_is_refused(model: Path, tmp_path: Path) -> None:
    rows, out = write_rows(tmp_path / "rows.csv", [*texts_of(5000), " "]), tmp_path / "out.csv"
    with pytest.raises(DataError):
        run(model, rows, out)
    other = write_rows(tmp_path / "others.csv", texts_of(5000))
    with pytest.raises(UsageError, match="begun with another model, other rows or other options"):
        run(model, other, out)
    (tmp_path / "out.csv.part").write_bytes(b"")
    with pytest.raises(UsageError, match="less than the journal says"):
        run(model, rows, out)
    (tmp_path / "out.csv.journal").write_text("no journal\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no journal of ours"):
        run(model, rows, out)


def test_call_killed_at_its_very_end_is_complete(model: Path, tmp_path: Path) -> None:
    """When the file had its place and the journal was still there."""
    rows, out = write_rows(tmp_path / "rows.csv", [*texts_of(4096), " "]), tmp_path / "out.csv"
    with pytest.raises(DataError):
        run(model, rows, out)
    (tmp_path / "out.csv.part").replace(out)
    before = out.read_bytes()
    run(model, rows, out, bad="list")
    assert out.read_bytes() == before
    assert beside(out) == ["out.csv", "out.csv.bad.jsonl"]


@pytest.mark.parametrize(
    ("out", "more", "said"),
    [
        ("out.txt", {}, "ends in none of"),
        ("out.csv", {"bad": "drop"}, "--bad is drop"),
        ("there.csv", {}, "there already"),
    ],
)
def test_wrong_calls_leave_nothing(model: Path, tmp_path: Path, out: str, more: dict[str, Any], said: str) -> None:
    rows = write_rows(tmp_path / "rows.csv", texts_of(5))
    (tmp_path / "there.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        run(model, rows, tmp_path / out, **more)
    assert (tmp_path / "there.csv").read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["rows.csv", "there.csv"]


def test_missing_column_and_empty_file_leave_nothing(model: Path, tmp_path: Path) -> None:
    rows, empty = write_rows(tmp_path / "rows.csv", texts_of(5)), tmp_path / "empty.csv"
    empty.write_text("id,text\n", encoding="utf-8")
    for file, column in ((rows, "body"), (empty, None)):
        with pytest.raises(PenjingError):
            run(model, file, tmp_path / "out.csv", column=column)
    assert beside(tmp_path / "out.csv") == []


def test_out_without_a_file_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--out is for the rows of --file"):
        predict(model, ["a text"], out=tmp_path / "out.csv")


def test_summary_is_one_json_document(cli: Any, model: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.csv", texts_of(5))
    done = cli.run("predict", str(model), "--file", str(rows), "--out", "out.csv", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["out"], document["rows"], document["bad"], document["bad_rows"]) == ("out.csv", 5, 0, None)


def test_questions_and_histories_and_sentences_are_answered_too(
    question_run: Any, event_run_of: Any, model: Path, tmp_path: Path
) -> None:
    questions, histories, rows = (tmp_path / name for name in ("questions.csv", "histories.txt", "rows.csv"))
    questions.write_text("id,question,context\n1,how many 3?,film seven red 3.\n2,,x\n", encoding="utf-8")
    histories.write_text("r1\tr2\tr3\ng1\tg2\n", encoding="utf-8")
    write_rows(rows, ["A film. It is dull."])
    out = tmp_path / "answers.parquet"
    span = question_run.artifacts["finetune"].folder / "model"
    predict_into(FileCall(span, questions, out, "span", bad="list"), as_json=False)
    (row,) = answers(out)
    assert (row["question"], row["row"]) == ("how many 3?", 2)
    assert "the question is empty" in Path(f"{out}.bad.jsonl").read_text(encoding="utf-8")
    items = event_run_of("sasrec").artifacts["finetune"].folder / "model"
    predict_into(FileCall(items, histories, tmp_path / "items.parquet", "items", top=3), as_json=False)
    first, second = answers(tmp_path / "items.parquet")
    assert first["history"] == ["r1", "r2", "r3"]
    assert len(second["items"]) == 3
    predict_into(FileCall(model, rows, tmp_path / "sentences.jsonl", "sentences"), as_json=False)
    (row,) = answers(tmp_path / "sentences.jsonl")
    assert [part["text"] for part in row["sentences"]] == ["A film.", "It is dull."]


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    first = BulkOutput(tmp_path / "out.csv", {"model": 1})
    with pytest.raises(UsageError, match="another process is writing"):
        BulkOutput(tmp_path / "out.csv", {"model": 1})
    first.append("a line\n", 1)
    first.close()
    second = BulkOutput(tmp_path / "out.csv", {"model": 1})
    assert (second.rows, second.is_new) == (1, False)
    second.finish()
    assert (tmp_path / "out.csv").read_text() == "a line\n"


def test_progress_is_told_where_there_is_no_terminal(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(predict_file, "_EVERY_S", 0.0)
    run(model, write_rows(tmp_path / "rows.csv", texts_of(9000)), tmp_path / "out.csv")
    told = [line for line in capsys.readouterr().err.splitlines() if "rows/s" in line]
    assert len(told) == 3
    assert re.fullmatch(r"4,096 rows, [\d,]+ rows/s, about \d+ min left", told[0])


def test_time_left_is_reckoned_from_what_was_done_since_the_work_went_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Heard(Silent):
        def say(self, text: str) -> None:
            told.append(text)

    told: list[str] = []
    clock = iter([0.0, 60.0])
    monkeypatch.setattr(predict_file.time, "monotonic", lambda: next(clock))
    teller = predict_file._Teller(Heard(), SilentBar(), before=900, size=1000.0)  # type: ignore[arg-type]
    teller.read(950)
    teller.tell(950)  # 50 in a minute, and 50 to go
    assert told == ["950 rows, 1 rows/s, about 1 min left"]
