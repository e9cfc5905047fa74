"""Scores of a language model are what the formulas say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from penjing.errors import DataError
from penjing.metrics.interval import Score
from penjing.metrics.language import (
    DocumentSurprisals,
    bits_per_byte_difference,
    count_bytes,
    count_words,
    language_scores,
    score_values,
)


def documents(nats: list[float], tokens: list[int], words: list[int], sizes: list[int]) -> DocumentSurprisals:
    return DocumentSurprisals(np.array(nats), np.array(tokens), np.array(words), np.array(sizes))


def test_scores_are_totals_over_totals() -> None:
    scores = language_scores(documents([30.0, 10.0], [8, 4], [5, 2], [40, 12]), resamples=100)
    assert scores["bits_per_byte"].value == pytest.approx(40 / math.log(2) / 52)
    assert scores["token_perplexity"].value == pytest.approx(math.exp(40 / 12))
    assert scores["word_perplexity"].value == pytest.approx(math.exp(40 / 7))
    ends = sorted([30 / math.log(2) / 40, 10 / math.log(2) / 12])
    assert (scores["bits_per_byte"].low, scores["bits_per_byte"].high) == pytest.approx(ends)


def test_model_that_takes_all_bytes_for_equally_likely_needs_eight_bits() -> None:
    sizes = [3, 17, 40]
    scores = language_scores(documents([size * math.log(256) for size in sizes], sizes, sizes, sizes))
    assert scores["bits_per_byte"].value == pytest.approx(8)
    assert scores["token_perplexity"].value == pytest.approx(256)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator, covered, runs = np.random.default_rng(0), 0, 300
    for run in range(runs):
        sizes = generator.integers(50, 150, size=100)
        nats = sizes * math.log(2) * generator.normal(2.0, 0.5, size=100)
        score = language_scores(DocumentSurprisals(nats, sizes, sizes, sizes), 300, run)["bits_per_byte"]
        covered += score.low <= 2.0 <= score.high
    assert 0.90 <= covered / runs <= 0.99


def test_what_is_not_defined_is_null_in_json() -> None:
    scores = language_scores(documents([1e6], [1], [0], [10]), resamples=100)
    assert score_values(scores["token_perplexity"]) == dict.fromkeys(("value", "low", "high"))  # infinite
    assert score_values(scores["word_perplexity"]) == dict.fromkeys(("value", "low", "high"))  # not a number
    assert score_values(Score(1.0, 0.5, 2.0)) == {"value": 1.0, "low": 0.5, "high": 2.0}


def test_no_documents_or_no_finite_probability_is_refused() -> None:
    with pytest.raises(DataError, match="no rows to measure"):
        language_scores(documents([], [], [], []))
    with pytest.raises(DataError, match=r"document 2: the model gives no finite probability"):
        documents([1.0, math.nan], [1, 1], [1, 1], [1, 1])


def test_difference_is_paired_so_that_hard_documents_do_not_blur_it() -> None:
    generator = np.random.default_rng(0)
    sizes = np.full(200, 100)
    hard = generator.uniform(50, 300, size=200)
    difference = bits_per_byte_difference(hard - 5.0, hard, sizes)
    assert difference.value == pytest.approx(-0.05 / math.log(2))
    assert (difference.low, difference.high) == pytest.approx((difference.value, difference.value))


@pytest.mark.parametrize(("texts", "is_more_than_chance"), [(1, False), (5, False), (6, True)])
def test_a_difference_on_a_handful_of_documents_is_never_more_than_chance(
    texts: int, is_more_than_chance: bool
) -> None:
    difference = bits_per_byte_difference(np.full(texts, 1000.0), np.full(texts, 1010.0), np.full(texts, 500))
    assert difference.value < 0
    assert (difference.high < 0) == is_more_than_chance


@pytest.mark.parametrize(
    ("text", "words", "size"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("  A  lovely\tfilm. \n", 3, 19),
        ("很好看", 3, 9),
        ("我看了film两次!", 7, 20),
        ("🎬🎬 ok", 2, 11),
        ("a\ud800", 1, 4),
    ],
)
def test_words_are_what_spaces_part_and_each_chinese_character(text: str, words: int, size: int) -> None:
    assert (count_words(text), count_bytes(text)) == (words, size)
