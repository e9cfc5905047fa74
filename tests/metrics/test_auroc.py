"""The area under the ROC curve is scikit-learn's, with ties and with labels that do not occur."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.metrics.auroc import area_of_each, auroc, class_auroc, trace_classes
from penjing.metrics.classification import classification_scores
from penjing.metrics.multilabel import multilabel_scores
from penjing.metrics.ordinal import ordinal_scores

Case = tuple[np.ndarray, np.ndarray]


@st.composite
def answers(draw: st.DrawFn) -> Case:
    """Returns true classes and probabilities [rows, classes]; they have few values, so that many are equal."""
    rows, classes = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    counts = generator.integers(0, draw(st.sampled_from([2, 5, 1000])), (rows, classes)) + 1
    occurring = draw(st.integers(1, classes))
    return generator.integers(0, occurring, rows), counts / counts.sum(axis=1, keepdims=True)


def one_against_the_others(truth: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Returns scikit-learn's area of each class that some rows have and some have not."""
    classes = range(1, 2) if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    return [
        reference.roc_auc_score(truth == number, probabilities[:, number])
        for number in classes
        if 0 < (truth == number).sum() < len(truth)
    ]


@given(answers())
@settings(max_examples=60)
def test_area_is_the_one_of_scikit_learn_over_labels_that_occur(case: Case) -> None:
    truth, probabilities = case
    expected = one_against_the_others(truth, probabilities)
    labels = [str(number) for number in range(probabilities.shape[1])]
    measured = classification_scores(truth, probabilities, labels, resamples=10)["scores"]
    ranked = ordinal_scores(truth, probabilities, truth, labels, resamples=10)["scores"]
    assert json.dumps([measured, ranked], allow_nan=False)
    if expected:
        assert class_auroc(truth, probabilities) == pytest.approx(np.mean(expected), abs=1e-12)
        assert measured["auroc"]["value"] == ranked["auroc"]["value"] == class_auroc(truth, probabilities)
        assert 0.0 <= measured["auroc"]["low"] <= measured["auroc"]["value"] <= measured["auroc"]["high"] <= 1.0
    else:
        assert np.isnan(class_auroc(truth, probabilities))
        assert "auroc" not in measured
        assert "auroc" not in ranked


def test_area_of_many_labels_is_the_macro_average_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    truth, probabilities = generator.integers(0, 4, 300), generator.dirichlet(np.ones(4), 300).round(1)
    probabilities[:, 0] += 1.0 - probabilities.sum(axis=1)
    expected = reference.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
    assert class_auroc(truth, probabilities) == pytest.approx(expected, abs=1e-12)


@given(answers())
@settings(max_examples=30)
def test_a_row_that_is_drawn_twice_counts_as_two_rows(case: Case) -> None:
    truth, probabilities = case
    weights = np.random.default_rng(0).integers(0, 3, len(truth))
    areas = area_of_each(trace_classes(truth, probabilities), weights[None].astype(np.float64))[0]
    repeated = np.repeat(truth, weights), np.repeat(probabilities, weights, axis=0)
    assert areas[~np.isnan(areas)].tolist() == pytest.approx(one_against_the_others(*repeated), abs=1e-12)


def test_interval_covers_the_true_area_about_as_often_as_it_says() -> None:
    generator, covered = np.random.default_rng(1), 0
    true_area = 0.7602  # of scores around 0 and around 1, both with deviation 1: Φ(1 / √2)
    for run in range(300):
        truth = generator.integers(0, 2, 200)
        chances = 1.0 / (1.0 + np.exp(-generator.normal(truth.astype(float))))
        both = np.stack([1.0 - chances, chances], axis=1)
        figure = classification_scores(truth, both, "ab", resamples=200, seed=run)["scores"]["auroc"]
        covered += figure["low"] <= true_area <= figure["high"]
    assert 0.90 <= covered / 300 <= 0.985


def test_rows_in_perfect_order_are_few_proof_where_they_are_few() -> None:
    few = classification_scores([0, 1, 0, 2], np.eye(3)[[0, 1, 0, 2]], "abc")["scores"]["auroc"]
    many = classification_scores([0, 1] * 500, np.eye(2)[[0, 1] * 500], "ab")["scores"]["auroc"]
    worst = classification_scores([0, 1] * 500, np.eye(2)[[1, 0] * 500], "ab")["scores"]["auroc"]
    assert (few["value"], few["high"]) == (many["value"], many["high"]) == (1.0, 1.0)
    assert few["low"] < 0.5
    assert 0.99 < many["low"] < 1.0
    assert worst == pytest.approx({"value": 0.0, "low": 0.0, "high": 1.0 - many["low"]})
    sets = multilabel_scores([[True], [False]], [[0.9], [0.2]], 0.5, ["a"])
    assert sets["per_label"]["a"]["auroc"] == sets["scores"]["macro_auroc"]
    assert sets["scores"]["macro_auroc"]["low"] < 0.5


def test_who_gives_all_rows_the_same_has_half_the_area() -> None:
    shares = np.tile([0.2, 0.3, 0.5], (60, 1))
    figure = classification_scores([0, 1, 2] * 20, shares, "abc", resamples=50)["scores"]["auroc"]
    assert figure == {"value": 0.5, "low": 0.5, "high": 0.5}
    assert auroc([True, False], [0.3, 0.3]) == 0.5


def test_areas_of_twenty_thousand_rows_and_ten_labels_take_seconds_at_most() -> None:
    generator = np.random.default_rng(0)
    truth, probabilities = generator.integers(0, 10, 20_000), generator.dirichlet(np.ones(10), 20_000)
    began = time.perf_counter()
    classification_scores(truth, probabilities, [str(number) for number in range(10)], resamples=1000)
    assert time.perf_counter() - began < 20.0
