"""Questions are answered and scored on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from penjing.cli.main import app
from penjing.cli.predict_answers import AnswerCall, show_answers
from penjing.errors import UsageError
from penjing.pipeline.run import RunResult


def call(*command: str | Path) -> str:
    done = CliRunner().invoke(app, [str(part) for part in command], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def document(*command: str | Path) -> Any:
    return json.loads(call(*command, "--json"))


def test_a_question_is_answered_from_the_text_of_the_call(question_run: RunResult) -> None:
    (answer,) = document("predict", question_run.model, "how many 3?", "--context", "film plot seven scene")
    assert (answer["answer"], answer["start"], answer["end"], answer["is_answerable"]) == ("seven", 10, 15, True)


def test_a_file_of_questions_is_answered_in_its_order(question_run: RunResult, tmp_path: Path) -> None:
    rows = "".join(f"film {number} plot scene,how many?\n" for number in ("one", "six", "two"))
    (tmp_path / "q.csv").write_text(f"text,question\n{rows}", encoding="utf-8")
    printed = call("predict", question_run.model, "--file", tmp_path / "q.csv", "--column", "text")
    assert [line.split("\t")[1] for line in printed.splitlines()] == ["one", "six", "two"]


def test_a_model_is_scored_on_the_layout_of_squad(question_run: RunResult) -> None:
    data = question_run.out.parent / "questions.json"
    measured = document("evaluate", question_run.model, data, "--resamples", "100")
    assert measured["rows"] == 480
    assert measured["scores"]["f1"]["value"] > 0.9
    assert all(item["answer"] not in item["truth"] for item in measured["worst"])


def test_a_folder_is_asked_in_place_of_the_texts(question_run: RunResult, tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.txt").write_text("Item item7 film six scene.", encoding="utf-8")
    (tmp_path / "q.csv").write_text("context,q,a\nfilm six,how many item7?,six\n,,\n", encoding="utf-8")
    over = ["--folder", tmp_path / "documents", "--question", "q", "--answer", "a"]
    measured = document("evaluate", question_run.model, tmp_path / "q.csv", *over)
    assert measured["rows"] == 1
    assert measured["scores"]["recall_at_1"]["value"] == measured["scores"]["exact_match"]["value"] == 1.0


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (AnswerCall(["how many?"], None, None), "a question is asked of a text"),
        (AnswerCall(["how many?"], " ", None), "a question or its text is empty"),
        (AnswerCall(["how many?"], "a", Path("x.csv")), "were both given"),
    ],
)
def test_wrong_calls_are_refused(asked: AnswerCall, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        show_answers(Path("model"), asked, as_json=False)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["predict", "film", "--context", "a"], "--context is for models that find answers"),
        (["evaluate", "a.csv", "--folder", "documents"], "--folder is for models that find answers"),
    ],
)
def test_what_is_for_questions_alone_is_refused_elsewhere(
    small_run: RunResult, command: list[str], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        call(command[0], small_run.model, *command[1:])
