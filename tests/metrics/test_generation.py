from __future__ import annotations

import math
import random

import numpy as np
import pytest

from penjing.errors import DataError
from penjing.metrics.generation import ngrams, repetition, sample_scores
from penjing.metrics.interval import jackknife
from penjing.metrics.texts import list_words


def texts(seed: int, rows: int = 12) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices("abcdefg", k=rng.randint(3, 12))) for _ in range(rows)]


def distinct(rows: list[list[str]], size: int) -> float:
    found = [gram for row in rows for gram in ngrams(row, size)]
    return len(set(found)) / len(found)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_distinct_and_its_interval_are_those_of_counting_again_without_each_text(size: int) -> None:
    written, real = texts(0), texts(1)
    pairs = [(list_words(a), list_words(b)) for a, b in zip(written, real, strict=True)]
    rows = [ours[: min(len(ours), len(theirs))] for ours, theirs in pairs]
    score = sample_scores(written, real).written[f"distinct_{size}"]
    without = np.array([distinct(rows[:row] + rows[row + 1 :], size) for row in range(len(rows))])
    error = math.sqrt((len(rows) - 1) / len(rows) * ((without - without.mean()) ** 2).sum())
    assert score.value == pytest.approx(distinct(rows, size))
    assert score.high == pytest.approx(min(1.0, score.value + 1.959964 * error))


def test_as_many_words_are_counted_of_both() -> None:
    scores = sample_scores(["a b c d e f g h"], ["a b"])
    assert scores.written["distinct_1"] == scores.real["distinct_1"]
    assert (scores.written["length"].value, scores.real["length"].value) == (8.0, 2.0)


def test_a_loop_is_repetition_and_a_text_of_three_words_has_none() -> None:
    assert repetition(["on", "and", "on", "and", "on", "and"]) == pytest.approx(1 / 3)
    assert math.isnan(repetition(["a", "b", "c"]))
    scores = sample_scores(["on and on and on and", "a b c"], ["the sun rose over a hill", "x y z"])
    assert scores.written["repetition"].value == pytest.approx(1 / 3)
    assert scores.difference["repetition"].low <= 0.0  # two texts tell nothing


def test_each_chinese_character_is_a_word() -> None:
    scores = sample_scores(["很好很好"], ["房间干净"])
    assert scores.written["distinct_1"].value == 0.5
    assert scores.real["distinct_1"].value == 1.0


def test_a_model_that_writes_nothing_has_no_variety() -> None:
    scores = sample_scores(["", ""], ["a b c d e", "f g h i j"])
    assert math.isnan(scores.written["distinct_1"].value)
    assert math.isnan(scores.written["repetition"].value)
    with pytest.raises(DataError, match="there are no texts"):
        sample_scores([], [])


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=50)
    score = jackknife(values.mean(), (values.sum() - values) / 49)
    assert (score.high - score.value) / 1.959964 == pytest.approx(values.std(ddof=1) / math.sqrt(50), rel=1e-6)
    assert jackknife(3.0, [2.0]) == jackknife(3.0, [])


def test_rows_without_a_repetition_do_not_count_as_differing() -> None:
    written, real = (
        ["ok then"] * 10 + ["a b c d a b c d a b c d"] * 2,
        ["fine so"] * 10 + ["one two three four five"] * 2,
    )
    gap = sample_scores(written, real, 300, 0).difference["repetition"]
    assert gap.value > 0
    assert gap.low == 0.0  # two rows are too few to tell
