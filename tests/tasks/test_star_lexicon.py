"""Word lists rate English and Chinese texts with stars, by thresholds that the training rows have taught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tasks.test_baselines import read_sst2

from penjing.metrics.ordinal import ordinal_scores
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.stages.evaluate import EVALUATE
from penjing.tasks.baselines import chinese_words, lexicon, star_lexicon
from penjing.tasks.baselines.lexicon import fit_lexicon
from penjing.tasks.baselines.majority import Majority
from penjing.tasks.baselines.proportional_odds import fit_proportional_odds
from penjing.tasks.baselines.star_lexicon import StarLexicon, fit_chinese_star_lexicon, fit_star_lexicon
from penjing.tasks.ordinal import choose_median

ENGLISH = ["a horrible, awful film", "a dull film", "it is a film", "a nice film", "a great, wonderful film!"]
CHINESE = ["太差，很失望，糟糕", "房间不好", "到了 401 房间", "服务不错", "很好，很满意，非常喜欢"]
STARS = ["1", "2", "3", "4", "5"]
PLACES = np.arange(5)


@pytest.mark.parametrize(
    ("package", "fit", "texts"),
    [("vaderSentiment", fit_star_lexicon, ENGLISH), ("pysenti", fit_chinese_star_lexicon, CHINESE)],
)
def test_better_words_give_more_stars(package: str, fit: Any, texts: list[str]) -> None:
    pytest.importorskip(package)
    model = fit(texts * 20, np.tile(PLACES, 20), [], [], STARS)
    chances = model.probabilities(texts)
    assert chances.shape == (5, 5)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert choose_median(chances).tolist() == [0, 1, 2, 3, 4]
    expected = fit_proportional_odds([model.rate(text) for text in texts * 20], np.tile(PLACES, 20))
    np.testing.assert_array_equal(model.model.thresholds, expected.thresholds)
    assert model.probabilities([]).shape == (0, 5)


def test_labels_that_no_training_row_has_are_never_given() -> None:
    pytest.importorskip("vaderSentiment")
    model = fit_star_lexicon(ENGLISH * 9, [0, 0, 2, 4, 4] * 9, [], [], STARS)
    assert isinstance(model, StarLexicon)
    chances = model.probabilities(ENGLISH)
    assert (chances[:, [1, 3]] == 0).all()
    assert choose_median(chances)[[0, 4]].tolist() == [0, 4]
    assert isinstance(fit_star_lexicon(ENGLISH, [2] * 5, [], [], STARS), Majority)


def test_of_many_rows_few_are_rated_and_no_label_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("vaderSentiment")
    rated = []

    def load(language: str, texts: list[str]) -> Any:
        rate = lexicon.load_rate("en", texts)
        assert rate is not None
        return lambda text: rated.append(text) or rate(text)

    monkeypatch.setattr(star_lexicon, "load_rate", load)
    texts = [f"{ENGLISH[n % 4]} {n}" for n in range(5000)]
    texts[1001], places = "a great, wonderful film!", [*(n % 4 for n in range(5000))]
    places[1001] = 4
    model = fit_star_lexicon(texts, places, [], [], STARS)
    assert isinstance(model, StarLexicon)
    assert model.seen.tolist() == [0, 1, 2, 3, 4]
    assert star_lexicon.MOST_RATED <= len(rated) <= star_lexicon.MOST_RATED + 5


@pytest.mark.parametrize("texts", [[], ["der Film ist sehr schön", "er liest ein Buch"], CHINESE])
def test_other_texts_have_no_such_baseline(texts: list[str]) -> None:
    pytest.importorskip("vaderSentiment")
    assert fit_star_lexicon(texts, PLACES[: len(texts)], [], [], STARS) is None


@pytest.mark.parametrize("task", ["stars", "ordinal"])
def test_models_of_stars_alone_are_measured_beside_lists_that_are_there(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("vaderSentiment", "pysenti", "rjieba"):
        pytest.importorskip(package)
    data: dict[str, Any] = {"path": "a.csv", **({"labels": ["bad", "good"]} if task == "ordinal" else {})}
    recipe = check_recipe({"task": task, "data": data, "model": {"family": "bert"}}, "mine")
    there = EVALUATE.settings(recipe)
    for module in (lexicon, chinese_words):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert fit_star_lexicon(ENGLISH, PLACES, [], [], STARS) is None
    added = ["lexicon", "lexicon-zh"] if task == "stars" else []
    assert there == [*EVALUATE.settings(recipe), *added]


def test_real_sentences_are_ordered_as_the_list_orders_them_and_placed_far_better_than_by_chance(
    shared_data: Path,
) -> None:
    pytest.importorskip("vaderSentiment")
    (texts, classes), (test, truth) = (read_sst2(shared_data, split) for split in ("train", "test"))
    test, truth = test[:600], truth[:600]
    model, plain = (
        fit(texts, classes, [], [], names)
        for fit, names in ((fit_star_lexicon, ["1", "5"]), (fit_lexicon, ["negative", "positive"]))
    )
    assert model is not None
    assert plain is not None
    chances = model.probabilities(test)
    scores = ordinal_scores(truth, chances, choose_median(chances), ["1", "5"], resamples=100)["scores"]
    assert scores["accuracy"]["low"] > 0.55
    assert scores["ece"]["value"] < 0.08  # its probabilities were learned; those of two poles are rough
    rank = np.argsort(plain.probabilities(test)[:, 1], kind="stable")
    assert (np.diff(chances[rank, 1]) >= -1e-12).all()
