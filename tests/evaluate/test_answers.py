"""Answers are shown in their text, and a threshold is settled on questions without an answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.question_rows import Question
from penjing.data.questions import read_questions
from penjing.errors import DataError
from penjing.evaluate.answers import evaluate_answers, settle_threshold, show_answer
from penjing.pipeline.run import RunResult
from penjing.progress import Silent
from penjing.tasks.answer_model import AnswerModel
from penjing.tasks.loading import load_as
from penjing.tasks.prediction import AnswerPrediction

TEXT = "".join(chr(ord("a") + place % 26) for place in range(600))


@given(st.integers(0, 590), st.integers(1, 9), st.integers(0, 590), st.integers(1, 9))
def test_parts_hold_the_answer_and_the_reference_whole(start: int, long: int, at: int, more: int) -> None:
    question = Question(TEXT, "?", (TEXT[at : at + more],), (at,), "d")
    given_answer = AnswerPrediction("?", TEXT[start : start + long], start, start + long, 0.5)
    parts = show_answer(question, given_answer)["parts"]
    assert "".join(part["text"] for part in parts if part["is_answer"]) == TEXT[start : start + long]
    assert "".join(part["text"] for part in parts if part["is_truth"]) == TEXT[at : at + more]
    assert all(piece in TEXT for piece in "".join(part["text"] for part in parts).split("…"))


def test_where_nothing_was_answered_the_reference_is_shown() -> None:
    shown = show_answer(Question(TEXT, "?", ("bc",), (1,), "d"), AnswerPrediction("?", "", None, None, 0.9, False))
    assert [part["text"] for part in shown["parts"] if part["is_truth"]] == ["bc"]
    assert not any(part["is_answer"] for part in shown["parts"])


def test_no_threshold_scores_better_than_the_one_settled(question_run: RunResult) -> None:
    model = load_as(AnswerModel, question_run.model, "cpu")
    questions = read_questions(question_run.artifacts["data"].folder, "validation")

    def f1(threshold: float | None) -> float:
        settings = model.settings.model_copy(update={"threshold": threshold})
        tried: Any = type(model)(**{**vars(model), "settings": settings})
        measured = evaluate_answers(tried, questions, resamples=100, worst=0, seed=0, progress=Silent())
        return float(measured["scores"]["f1"]["value"])

    fresh = type(model)(**{**vars(model), "settings": model.settings.model_copy(update={"threshold": None})})
    settled = settle_threshold(fresh, questions, Silent()).settings.threshold
    assert settled == pytest.approx(model.settings.threshold)
    assert f1(settled) >= max(f1(threshold) for threshold in (None, -5.0, 0.0, 5.0))


def test_questions_that_all_have_an_answer_need_no_threshold(question_run: RunResult) -> None:
    model = load_as(AnswerModel, question_run.model, "cpu")
    fresh = type(model)(**{**vars(model), "settings": model.settings.model_copy(update={"threshold": None})})
    asked = [Question("film seven", "how many?", ("seven",), (5,), "d")]
    assert settle_threshold(fresh, asked, Silent()).settings.threshold is None


def test_no_questions_are_refused(question_run: RunResult) -> None:
    model = load_as(AnswerModel, question_run.model, "cpu")
    with pytest.raises(DataError, match="no questions to measure"):
        evaluate_answers(model, [], resamples=100, worst=1, seed=0, progress=Silent())
