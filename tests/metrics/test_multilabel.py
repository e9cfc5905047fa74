"""Scores of any number of labels agree with scikit-learn; the threshold is the best there is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.errors import DataError
from penjing.metrics.auroc import auroc
from penjing.metrics.multilabel import choose_threshold, multilabel_difference, multilabel_scores

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
    if occurs.any():
        assert scores["macro_f1"] == pytest.approx(f1[occurs].mean())
    for number, label in enumerate(labels):
        figures = measured["per_label"][label]
        assert figures["support"] == truth[:, number].sum()
        if 0 < truth[:, number].sum() < len(truth):
            expected = reference.roc_auc_score(truth[:, number], chances[:, number])
            assert figures["auroc"]["value"] == pytest.approx(expected)
            assert auroc(truth[:, number], chances[:, number]) == pytest.approx(expected)
        else:
            assert figures["auroc"] is None
    json.dumps(measured, allow_nan=False)


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
