"""Questions are answered and scored on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penjing.cli.predict_answers import AnswerCall, show_answers
from penjing.errors import UsageError
from penjing.pipeline.run import RunResult


def call(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "penjing", *map(str, command)], capture_output=True, text=True, check=False
    )


def document(*command: str | Path) -> Any:
    done = call(*command, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_question_is_answered_from_the_text_of_the_call(question_run: RunResult) -> None:
    (answer,) = document("predict", question_run.model, "how many 3?", "--context", "film plot seven scene")
    assert (answer["answer"], answer["start"], answer["end"], answer["is_answerable"]) == ("seven", 10, 15, True)


def test_a_file_of_questions_is_answered_in_its_order(question_run: RunResult, tmp_path: Path) -> None:
    rows = "".join(f"film {number} plot scene,how many?\n" for number in ("one", "six", "two"))
    (tmp_path / "q.csv").write_text(f"text,question\n{rows}", encoding="utf-8")
    done = call("predict", question_run.model, "--file", tmp_path / "q.csv", "--column", "text")
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == ["one", "six", "two"]


def test_a_model_is_scored_on_the_layout_of_squad(question_run: RunResult) -> None:
    data = question_run.out.parent / "questions.json"
    measured = document("evaluate", question_run.model, data, "--resamples", "100")
    assert measured["rows"] == 480
    assert measured["scores"]["f1"]["value"] > 0.9
    assert measured["worst"][0]["parts"]


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


def test_a_context_is_for_questions_alone(small_run: RunResult) -> None:
    done = call("predict", small_run.model, "film", "--context", "a")
    assert done.returncode == 2
    assert "--context is for models that find answers" in done.stderr
