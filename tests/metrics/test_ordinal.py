"""Scores of labels in order agree with scikit-learn."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.metrics.ordinal import mean_absolute_error, ordinal_scores, quadratic_kappa

PLACES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=50)


@given(PLACES)
@settings(max_examples=80)
def test_kappa_and_absolute_error_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, given_ = np.array(pairs).T
    assert mean_absolute_error(truth, given_) == pytest.approx(reference.mean_absolute_error(truth, given_))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference.cohen_kappa_score(truth, given_, weights="quadratic", labels=list(range(5)))
    assert quadratic_kappa(truth, given_) == pytest.approx(np.nan_to_num(expected), abs=1e-9)


def test_scores_come_with_intervals_around_them_and_the_answers_decide() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 5, 300)
    chances = generator.dirichlet(np.ones(5), 300)
    given_ = np.clip(truth + generator.integers(-1, 3, 300), 0, 4)
    measured = ordinal_scores(truth, chances, given_, list("abcde"), resamples=200)
    scores = measured["scores"]
    assert list(scores) == ["accuracy", "within_one", "mae", "qwk", "macro_f1", "auroc", "loss", "ece"]
    assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in scores.values())
    assert scores["within_one"]["value"] == pytest.approx(np.mean(np.abs(truth - given_) <= 1))
    assert scores["accuracy"]["value"] == pytest.approx(np.mean(truth == given_))
    assert scores["macro_f1"]["value"] == pytest.approx(reference.f1_score(truth, given_, average="macro"))
    assert scores["mae"]["value"] == pytest.approx(np.abs(truth - given_).mean())
    json.dumps(measured, allow_nan=False)


def test_all_within_one_place_still_has_an_interval() -> None:
    figure = ordinal_scores([0, 1], np.full((2, 3), 1 / 3), [1, 1], list("abc"), resamples=100)["scores"]["within_one"]
    assert figure["value"] == 1.0
    assert figure["low"] < 0.5
