"""Scores of any number of labels agree with scikit-learn; the threshold is the best there is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from penjing.errors import DataError
from penjing.metrics.auroc import auroc
from penjing.metrics.interval import draw_weights
from penjing.metrics.multilabel import (
    choose_threshold,
    label_calibration_error,
    multilabel_difference,
    multilabel_scores,
)

Case = tuple[np.ndarray, np.ndarray]


@st.composite
def answers(draw: st.DrawFn) -> Case:
    """Returns truth and probabilities, [rows, labels]; probabilities have few values, so that many are equal."""
    rows, labels = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    steps = draw(st.sampled_from([3, 10, 1000]))
    truth = generator.random((rows, labels)) < draw(st.sampled_from([0.0, 0.3, 0.9]))
    return truth, generator.integers(0, steps + 1, (rows, labels)) / steps


@given(answers())
@settings(max_examples=30)
def test_scores_are_those_of_scikit_learn(case: Case) -> None:
    truth, chances = case
    given_ = chances >= 0.5
    labels = [str(number) for number in range(truth.shape[1])]
    measured = multilabel_scores(truth, chances, 0.5, labels, resamples=10)
    scores = {name: figure["value"] for name, figure in measured["scores"].items()}
    assert scores["micro_f1"] == pytest.approx(reference.f1_score(truth, given_, average="micro", zero_division=0))
    assert scores["exact_match"] == pytest.approx(reference.accuracy_score(truth, given_))
    assert scores["hamming_loss"] == pytest.approx(reference.hamming_loss(truth, given_))
    occurs = truth.any(axis=0) | given_.any(axis=0)
    f1 = reference.f1_score(truth, given_, average=None, zero_division=0)
    confusion = reference.multilabel_confusion_matrix(truth, given_)
    if occurs.any():
        assert scores["macro_f1"] == pytest.approx(f1[occurs].mean())
    for number, label in enumerate(labels):
        figures = measured["per_label"][label]
        assert figures["support"] == truth[:, number].sum()
        counts = ("true_negatives", "false_positives", "false_negatives", "true_positives")
        assert [figures[name] for name in counts] == confusion[number].ravel().tolist()
        if 0 < truth[:, number].sum() < len(truth):
            expected = reference.roc_auc_score(truth[:, number], chances[:, number])
            assert figures["auroc"]["value"] == pytest.approx(expected)
            assert auroc(truth[:, number], chances[:, number]) == pytest.approx(expected)
        else:
            assert figures["auroc"] is None
    json.dumps(measured, allow_nan=False)


def calibration_error(truth: np.ndarray, chances: np.ndarray) -> float:
    """Naeini et al. 2015 by scikit-learn's bins, whose mean probabilities and shares the counts weigh."""
    errors = []
    for own, chance in zip(truth.T, chances.T, strict=True):
        share, mean = calibration_curve(own, chance, n_bins=15, strategy="uniform")
        counts = np.bincount(np.searchsorted(np.linspace(0, 1, 16)[1:-1], chance), minlength=15)
        errors.append(np.abs(share - mean) @ counts[counts > 0] / len(own))
    return float(np.mean(errors))


@given(answers())
@settings(max_examples=30)
def test_calibration_error_is_the_mean_over_labels_of_what_scikit_learns_bins_give(case: Case) -> None:
    truth, chances = case
    expected = calibration_error(truth, chances)
    assert label_calibration_error(truth, chances) == pytest.approx(expected)
    labels = [str(number) for number in range(truth.shape[1])]
    measured = multilabel_scores(truth, chances, 0.5, labels, resamples=10)
    assert measured["scores"]["ece"]["value"] == pytest.approx(expected)
    for number, label in enumerate(labels):
        own = calibration_error(truth[:, [number]], chances[:, [number]])
        assert measured["per_label"][label]["ece"]["value"] == pytest.approx(own)


def test_calibration_error_of_each_resample_is_that_of_the_rows_drawn() -> None:
    generator = np.random.default_rng(3)
    chances = generator.random((60, 3))
    truth = generator.random((60, 3)) < chances**2
    drawn = [
        calibration_error(np.repeat(truth, times, axis=0), np.repeat(chances, times, axis=0))
        for weights in draw_weights(60, 200, 5)
        for times in weights.astype(int)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    found = multilabel_scores(truth, chances, 0.5, ["a", "b", "c"], resamples=200, seed=5)["scores"]["ece"]
    assert found["value"] == pytest.approx(calibration_error(truth, chances))
    assert (found["low"], found["high"]) == pytest.approx((min(low, found["value"]), high))


def test_calibrated_probabilities_have_little_error_and_certainties_that_are_wrong_have_all() -> None:
    generator = np.random.default_rng(0)
    chances = generator.random((20_000, 2))
    truth = generator.random((20_000, 2)) < chances
    assert label_calibration_error(truth, chances) < 0.02
    assert label_calibration_error(truth, ~truth) == 1.0


@given(answers())
@settings(max_examples=30)
def test_no_other_threshold_has_a_higher_micro_f1(case: Case) -> None:
    truth, chances = case

    def micro_f1(threshold: float) -> float:
        given_ = chances >= threshold
        return float(2 * (truth & given_).sum() / max(1, truth.sum() + given_.sum()))

    chosen = choose_threshold(truth, chances)
    assert 0 <= chosen <= 1
    if truth.any():
        assert micro_f1(chosen) == pytest.approx(max(micro_f1(value) for value in np.unique(chances)))


def test_difference_is_that_of_the_scores_and_few_disagreements_prove_nothing() -> None:
    generator = np.random.default_rng(1)
    truth, other = generator.random((2, 200, 4)) < 0.4
    found = multilabel_difference(truth, truth, other, resamples=200)
    assert found["micro_f1"]["value"] == pytest.approx(1 - reference.f1_score(truth, other, average="micro"))
    assert found["micro_f1"]["low"] > 0
    near = truth.copy()
    near[0] = ~near[0]
    assert multilabel_difference(truth, truth, near, resamples=200)["micro_f1"]["low"] <= 0


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(DataError, match="row 2"):
        multilabel_scores([[True], [False]], [[0.5], [1.5]], 0.5, ["a"])
    with pytest.raises(DataError, match="shape"):
        multilabel_scores([[True]], [[0.5, 0.5]], 0.5, ["a", "b"])
