"""Scores agree with scikit-learn, and every figure has an interval around it."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from penjing.errors import DataError
from penjing.metrics.classification import (
    accuracy,
    classification_scores,
    confusion_matrix,
    expected_calibration_error,
    log_loss,
    macro_f1,
    precision_recall_f1,
    reliability_curve,
)

Case = tuple[np.ndarray, np.ndarray]


@st.composite
def answers(draw: st.DrawFn) -> Case:
    """Returns true classes [rows] and probabilities [rows, classes]; some classes may never occur."""
    rows, classes = draw(st.integers(1, 60)), draw(st.integers(2, 6))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sharpness = draw(st.sampled_from([0.1, 1.0, 5.0]))
    powers = np.exp(generator.normal(size=(rows, classes)) * sharpness)
    return generator.integers(0, draw(st.integers(1, classes)), rows), powers / powers.sum(axis=1, keepdims=True)


@given(answers())
@settings(max_examples=60)
def test_loss_and_f1_and_confusion_are_those_of_scikit_learn(case: Case) -> None:
    truth, probabilities = case
    classes, predicted = list(range(probabilities.shape[1])), probabilities.argmax(axis=1)
    of_classes = reference.precision_recall_fscore_support(truth, predicted, labels=classes, zero_division=0)
    assert log_loss(truth, probabilities) == pytest.approx(reference.log_loss(truth, probabilities, labels=classes))
    assert accuracy(truth, predicted) == pytest.approx(reference.accuracy_score(truth, predicted))
    assert macro_f1(truth, predicted, len(classes)) == pytest.approx(
        reference.f1_score(truth, predicted, average="macro", zero_division=0)
    )
    np.testing.assert_allclose(precision_recall_f1(truth, predicted, len(classes)), np.stack(of_classes[:3]))
    np.testing.assert_array_equal(
        confusion_matrix(truth, predicted, len(classes)),
        reference.confusion_matrix(truth, predicted, labels=classes),
    )


@given(answers())
@settings(max_examples=60)
def test_reliability_curve_is_that_of_scikit_learn(case: Case) -> None:
    truth, probabilities = case
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    right, sure = calibration_curve(correct, confidence, n_bins=15, strategy="uniform")
    curve = reliability_curve(truth, probabilities)
    np.testing.assert_allclose(curve.accuracy, right)
    np.testing.assert_allclose(curve.confidence, sure)
    assert curve.count.sum() == len(truth)
    error = float(np.sum(np.abs(right - sure) * curve.count) / len(truth))
    assert expected_calibration_error(truth, probabilities) == pytest.approx(error)


@given(answers())
@settings(max_examples=30)
def test_every_figure_lies_in_its_interval_and_is_valid_json(case: Case) -> None:
    truth, probabilities = case
    labels = [f"label {number}" for number in range(probabilities.shape[1])]
    result = classification_scores(truth, probabilities, labels, resamples=50)
    json.dumps(result, allow_nan=False)
    figures = [*result["scores"].values()]
    figures += [of[name] for of in result["per_class"].values() for name in ("precision", "recall", "f1")]
    for figure in figures:
        assert figure["low"] <= figure["value"] <= figure["high"]
    predicted = probabilities.argmax(axis=1)
    values = {name: score["value"] for name, score in result["scores"].items() if name != "auroc"}
    assert values == pytest.approx(
        {
            "loss": log_loss(truth, probabilities),
            "accuracy": accuracy(truth, predicted),
            "macro_f1": macro_f1(truth, predicted, len(labels)),
            "ece": expected_calibration_error(truth, probabilities),
        }
    )


def simulated(rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns true classes drawn from the probabilities themselves: a perfectly calibrated model."""
    generator = np.random.default_rng(0)
    powers = np.exp(2.0 * generator.normal(size=(rows, classes)))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    drawn = (generator.random((rows, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    return np.minimum(drawn, classes - 1), probabilities


def test_all_scores_on_ten_thousand_rows_take_seconds_at_most() -> None:
    truth, probabilities = simulated(10_000, 10)
    began = time.perf_counter()
    classification_scores(truth, probabilities, [str(number) for number in range(10)], resamples=1000)
    assert time.perf_counter() - began < 10.0


def test_same_seed_gives_the_same_scores() -> None:
    truth, probabilities = simulated(200, 3)
    first, second = (classification_scores(truth, probabilities, "abc", resamples=100, seed=3) for _ in range(2))
    assert first == second


def test_calibrated_answers_have_a_small_calibration_error_and_sharpened_ones_a_large_one() -> None:
    truth, probabilities = simulated(5000, 3)
    sharpened = probabilities**4 / (probabilities**4).sum(axis=1, keepdims=True)
    assert expected_calibration_error(truth, probabilities) < 0.03
    assert expected_calibration_error(truth, sharpened) > 0.1


def test_a_bin_holds_its_upper_edge() -> None:
    probabilities = [[0.4, 0.6], [0.41, 0.59]]  # 0.6 is the upper edge of the ninth of 15 bins
    curve = reliability_curve([1, 0], probabilities)
    assert curve.count.tolist() == [2]
    assert expected_calibration_error([1, 0], probabilities) == pytest.approx(abs(0.595 - 0.5))


def test_intervals_cover_the_true_accuracy_and_f1_about_as_often_as_they_say() -> None:
    generator, covered = np.random.default_rng(1), np.zeros(2)
    recall = np.array([0.9, 0.6])  # of two classes equally frequent: accuracy 0.75
    f1_of_first = 2 * 0.9 / (0.9 + 0.4 + 1.0)
    for run in range(300):
        truth = generator.integers(0, 2, 300)
        predicted = np.where(generator.random(300) < recall[truth], truth, 1 - truth)
        result: dict[str, Any] = classification_scores(truth, np.eye(2)[predicted], "ab", resamples=200, seed=run)
        figures = (result["scores"]["accuracy"], result["per_class"]["a"]["f1"])
        covered += [s["low"] <= true <= s["high"] for s, true in zip(figures, (0.75, f1_of_first), strict=True)]
    assert (covered / 300 >= 0.90).all()
    assert (covered / 300 <= 0.985).all()


def test_a_perfect_score_on_a_few_rows_is_not_called_certain() -> None:
    result = classification_scores([0, 1, 0], np.eye(2)[[0, 1, 0]], ["a", "b"])
    for figure in (result["scores"]["accuracy"], result["scores"]["macro_f1"], result["per_class"]["a"]["f1"]):
        assert figure["value"] == 1.0
        assert figure["low"] < 0.8
    assert result["scores"]["loss"]["value"] == pytest.approx(0.0)


def test_one_row_is_measured() -> None:
    result = classification_scores([1], [[0.2, 0.8]], ["a", "b"])
    assert result["rows"] == 1
    assert result["confusion"] == [[0, 0], [0, 1]]
    assert result["per_class"]["a"]["support"] == 0
    assert result["scores"]["loss"] == pytest.approx({name: -math.log(0.8) for name in ("value", "low", "high")})


def test_a_probability_of_zero_for_the_truth_is_a_large_loss_not_an_infinite_one() -> None:
    assert log_loss([1], [[1.0, 0.0]]) == pytest.approx(36.04, abs=0.01)


@pytest.mark.parametrize(
    ("truth", "probabilities", "message"),
    [
        ([], np.zeros((0, 2)), "no rows"),
        ([0, 1], [[0.5, 0.5]], "shape"),
        ([0], [[0.5, 0.25, 0.25]], "shape"),
        ([2], [[0.5, 0.5]], "the true class is 2"),
        ([0], [[2.0, -1.0]], "no probabilities"),
        ([0, 0], [[0.5, 0.5], [math.nan, 0.5]], "row 2"),
        ([0], [[3.1, 1.2]], "softmax"),
    ],
)
def test_what_cannot_be_measured_is_refused(truth: list[int], probabilities: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        classification_scores(truth, probabilities, ["a", "b"])
