"""The lines that ``penjing predict`` prints: one an answer, with a tab between its cells."""

from __future__ import annotations

import pytest

from penjing.cli.predict import _shown
from penjing.tasks.prediction import AnswerPrediction, ClassPrediction, Prediction, SetPrediction


@pytest.mark.parametrize(
    ("prediction", "line"),
    [
        (ClassPrediction("a\nb", "very  good\r\nindeed", 0.5, {}), "very  good indeed\t0.5000\ta b"),
        (
            SetPrediction("a\tb", ("one\ttwo", "six"), {"one\ttwo": 0.75, "six": 0.5}, 0.5),
            "one two|six\t0.7500|0.5000\ta b",
        ),
        (AnswerPrediction(question="who", answer="Ann\nLee", start=0, end=7, probability=0.25), "Ann Lee\t0.2500\twho"),
    ],
)
def test_an_answer_is_one_line_whatever_is_in_it(prediction: Prediction, line: str) -> None:
    assert _shown(prediction) == line
