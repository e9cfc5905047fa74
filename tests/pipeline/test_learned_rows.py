"""``penjing evaluate`` says how many rows of a file the model learned from, where its run still lies beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from penjing.cli.main import app
from penjing.files import read_json, write_json
from penjing.pipeline.learned_rows import count_learned
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.run import RunResult, run_recipe
from penjing.progress import Silent

LEARNED, NEW = 7, 5
KINDS = ("labels", "sets", "pairs", "questions", "dialogues", "texts", "preferences", "corpus")
Row = dict[str, Any]


@pytest.fixture
def run_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], RunResult]:
    """Returns the finished run of a kind; nobody may change it."""

    def made(name: str, *arguments: Any) -> RunResult:
        recipe = request.getfixturevalue(name)(tmp_path, *arguments)
        return run_recipe(check_recipe(recipe, recipe["name"]), tmp_path / "out", Silent(), ["test"])

    ready: dict[str, Callable[[], Any]] = {
        "labels": lambda: request.getfixturevalue("small_run"),
        "sets": lambda: request.getfixturevalue("label_kind_run")("multilabel"),
        "pairs": lambda: request.getfixturevalue("pair_run_of")("llama"),
        "questions": lambda: request.getfixturevalue("question_run"),
        "dialogues": lambda: made("teacher_recipe", "chat"),
        "texts": lambda: made("teacher_recipe"),
        "preferences": lambda: made("preference_recipe"),
        "corpus": lambda: request.getfixturevalue("small_language_run"),
    }
    return lambda kind: ready[kind]()


def write_rows(run: RunResult, kind: str, path: Path) -> Path:
    """Writes training rows in another form, one of them twice, and test rows as they are."""
    stage = run.artifacts["corpus" if kind == "corpus" else "data"].folder
    train, test = ("texts", "test") if kind == "corpus" else ("train", "test")
    known = pq.read_table(stage / f"{train}.parquet").slice(0, LEARNED - (kind != "questions")).to_pylist()
    again = [] if kind == "questions" else [known[0]]  # of a question that comes twice the answers are joined
    rows = [*map(change, [*known, *again]), *pq.read_table(stage / f"{test}.parquet").slice(0, NEW).to_pylist()]
    if kind in ("texts", "corpus"):
        file = path / "rows.txt"
        file.write_text("\n".join(row["text"] for row in rows) + "\n", encoding="utf-8")
        return file
    file = path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(shown) for row in rows for shown in show(row, kind)), encoding="utf-8")
    return file


def change(row: Row) -> Row:
    """Returns a row with other case, spaces and signs in what is read."""
    changed = {key: f" {row[key].upper()}!" for key in ("text", "question") if key in row}
    if "messages" in row:
        messages = json.loads(row["messages"])
        changed["messages"] = json.dumps([{**message, "content": message["content"].upper()} for message in messages])
    if "prompt" in row:
        changed["prompt"] = f" {row['prompt'].upper()}!"
    return {**row, **changed}


def show(row: Row, kind: str) -> Iterator[Row]:
    """Yields the row as a file has it."""
    if kind == "questions":
        yield {"context": row["text"], "question": row["question"], "answer": (row["answers"] or [""])[0]}
    elif kind == "sets":
        yield {"text": row["text"], "label": row["labels"]}
    elif kind == "dialogues":
        yield {"messages": json.loads(row["messages"])}
    elif kind == "preferences":
        yield {key: row[key] for key in ("prompt", "chosen", "rejected")}
    else:
        yield {key: row[key] for key in ("text", "label", "target") if key in row}


def evaluate(model: Path, file: Path, *more: str) -> str:
    done = CliRunner().invoke(app, ["evaluate", str(model), str(file), "--resamples", "100", *more])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_were_learned_from_are_counted_in_whatever_form(
    run_of: Callable[[str], RunResult], tmp_path: Path, kind: str
) -> None:
    if kind == "dialogues":
        pytest.importorskip("bm25s", reason="the baseline of dialogues is not installed")
    run = run_of(kind)
    file = write_rows(run, kind, tmp_path)
    measured = json.loads(evaluate(run.model, file, "--json"))
    assert measured["learned_rows"] == LEARNED
    counted = {"dialogues": "dialogues", "corpus": "documents"}.get(kind, "rows")
    assert measured[counted] == LEARNED + NEW  # none is left out
    said = " ".join(evaluate(run.model, file).split())
    assert f"{LEARNED} of {LEARNED + NEW} rows were learned from: but for case, spaces and punctuation" in said
    assert "say little about new ones" in said


def test_nothing_is_said_where_all_rows_are_new(small_run: RunResult, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("text,label\nnobody wrote this,positive\nnor that,negative\n", encoding="utf-8")
    assert json.loads(evaluate(small_run.model, tmp_path / "new.csv", "--json"))["learned_rows"] == 0
    assert "learned from" not in evaluate(small_run.model, tmp_path / "new.csv")


def test_a_model_whose_run_is_not_there_says_that_it_does_not_know(small_run: RunResult, tmp_path: Path) -> None:
    file = write_rows(small_run, "labels", tmp_path)
    shutil.copytree(small_run.model, tmp_path / "model")
    assert json.loads(evaluate(tmp_path / "model", file, "--json"))["learned_rows"] is None
    assert "learned from" not in evaluate(tmp_path / "model", file)


def test_rows_of_a_run_that_has_changed_since_are_not_the_models(small_run: RunResult, tmp_path: Path) -> None:
    shutil.copytree(small_run.out, tmp_path / "out")
    (record,) = (tmp_path / "out" / "stages").glob("data-*/lineage.json")
    assert count_learned(tmp_path / "out" / "model", [("nobody wrote this",)]) == 0
    write_json(record, {**read_json(record), "content": "another"})
    assert count_learned(tmp_path / "out" / "model", [("nobody wrote this",)]) is None


def test_texts_that_a_teacher_labelled_count_as_learned_from(
    tmp_path: Path, small_recipe: Callable[..., Row], small_run: RunResult
) -> None:
    recipe = small_recipe(tmp_path)
    (tmp_path / "texts.txt").write_text("warm camera 1\nwarm camera 2\n", encoding="utf-8")
    distill = {"teacher": str(small_run.model), "unlabelled": {"path": str(tmp_path / "texts.txt")}}
    recipe["finetune"] |= {"epochs": 1, "distill": distill}
    done = run_recipe(check_recipe(recipe, "student"), tmp_path / "out", Silent(), ["test"])
    assert count_learned(done.model, [("Warm camera, 1",), ("warm camera 3",)]) == 1
