"""The baselines learn what can be learned cheaply, and never fail on odd data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from penjing.errors import DataError
from penjing.tasks.baselines import CLASSIFICATION_BASELINES
from penjing.tasks.baselines.majority import Majority
from penjing.tasks.baselines.tfidf_logistic import fit_tfidf_logistic, list_terms

ENGLISH = ["a good film", "really good fun", "bad film", "really bad and dull"] * 5
CHINESE = ["很好看", "房间很好", "不好看", "房间不好"] * 5
NAMES = ["negative", "positive"]
CLASSES = np.array([1, 1, 0, 0] * 5)


def read_sst2(folder: Path, split: str) -> tuple[list[str], np.ndarray]:
    lines = (folder / "sst2" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.rsplit("\t", 1) for line in lines]
    return [text for text, _ in rows], np.array([int(label) for _, label in rows])


@pytest.mark.parametrize("name", sorted(CLASSIFICATION_BASELINES))
@pytest.mark.parametrize("texts", [ENGLISH, CHINESE])
def test_every_baseline_gives_probabilities_and_the_same_ones_on_every_run(name: str, texts: list[str]) -> None:
    fit = CLASSIFICATION_BASELINES[name]
    first, second = (fit(texts, CLASSES, texts[:4], CLASSES[:4], NAMES).probabilities(texts) for _ in range(2))
    assert first.shape == (20, 2)
    np.testing.assert_allclose(first.sum(axis=1), 1.0)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("texts", [ENGLISH, CHINESE])
def test_words_of_both_languages_are_learned(texts: list[str]) -> None:
    model = fit_tfidf_logistic(texts, CLASSES, texts[:4], CLASSES[:4], NAMES)
    np.testing.assert_array_equal(model.probabilities(texts).argmax(axis=1), CLASSES)


def test_majority_gives_the_shares_of_the_labels() -> None:
    model = CLASSIFICATION_BASELINES["majority"](["a", "b", "c", "d"], [0, 0, 0, 1], [], [], NAMES)
    np.testing.assert_allclose(model.probabilities(["x", "y"]), [[0.75, 0.25], [0.75, 0.25]])


def test_a_label_without_training_rows_has_probability_zero() -> None:
    model = fit_tfidf_logistic(ENGLISH, 2 * CLASSES, ENGLISH[:4], 2 * CLASSES[:4], ["a", "never", "b"])
    probabilities = model.probabilities(["good", "bad"])
    assert probabilities.shape == (2, 3)
    assert (probabilities[:, 1] == 0).all()


def test_without_validation_rows_it_still_learns() -> None:
    model = fit_tfidf_logistic(ENGLISH, CLASSES, [], [], NAMES)
    assert model.probabilities(["good"]).argmax() == 1


@pytest.mark.parametrize(
    ("texts", "classes"), [(["good", "fine"], [1, 1]), (["!", "?", ""], [0, 1, 1]), (["a", "b", "c"], [0, 1, 1])]
)
def test_where_there_is_nothing_to_learn_it_is_the_majority(texts: list[str], classes: list[int]) -> None:
    model = fit_tfidf_logistic(texts, classes, texts, classes, NAMES)
    assert isinstance(model, Majority)
    assert model.probabilities(["anything"]).argmax() == 1


@pytest.mark.parametrize("name", sorted(CLASSIFICATION_BASELINES))
def test_no_training_rows_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="no training rows"):
        CLASSIFICATION_BASELINES[name]([], [], [], [], NAMES)


@pytest.mark.parametrize("name", sorted(CLASSIFICATION_BASELINES))
def test_no_texts_give_no_rows(name: str) -> None:
    model = CLASSIFICATION_BASELINES[name](ENGLISH, CLASSES, [], [], NAMES)
    assert model.probabilities([]).shape == (0, 2)


def test_words_beside_chinese_characters_are_both_found() -> None:
    assert list_terms("iPhone很好!") == ["iphone", "很", "好", "很好"]
    assert list_terms("영화 좋다") == ["영화", "좋다", "영화 좋다"]
    assert list_terms("ラーメン")[:4] == ["ラ", "ー", "メ", "ン"]


def test_english_terms_are_those_of_scikit_learn() -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    analyze = CountVectorizer(ngram_range=(1, 2)).build_analyzer()
    for text in ["It's not a bad film; it is GOOD.", "über 3 naïve people", "x y zz", "well-made 2nd_part"]:
        assert list_terms(text) == analyze(text)


def test_accuracy_on_sst2_is_that_of_the_literature(shared_data: Path) -> None:
    train, validation, test = (read_sst2(shared_data, split) for split in ("train", "dev", "test"))
    model = fit_tfidf_logistic(*train, *validation, NAMES)
    assert 0.805 <= np.mean(model.probabilities(test[0]).argmax(axis=1) == test[1]) <= 0.825
