"""Exact match and F1 by the rules of SQuAD and of CMRC 2018, and the threshold of questions without an answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.errors import DataError
from penjing.metrics.answers import (
    answer_difference,
    answer_scores,
    choose_threshold,
    common_run,
    rate_answers,
    rate_cmrc,
    rate_squad,
)


@pytest.mark.parametrize(
    ("answer", "reference", "f1", "exact"),
    [
        ("The Cat's hat!", "cats hat", 1.0, 1.0),
        ("a cat", "the cat sat", 2 / 3, 0.0),
        ("cat cat", "cat", 2 / 3, 0.0),
        ("sat cat the", "cat sat", 1.0, 0.0),
        ("dog", "cat", 0.0, 0.0),
        ("", "cat", 0.0, 0.0),
        ("the", "a", 1.0, 1.0),
    ],
)
def test_squad_known_cases(answer: str, reference: str, f1: float, exact: float) -> None:
    assert rate_squad(answer, reference) == pytest.approx((f1, exact))


@pytest.mark.parametrize(
    ("answer", "reference", "f1", "exact"),
    [
        ("光荣和ω-force", "光荣和ω-force", 1.0, 1.0),
        ("“光荣”", "光荣", 1.0, 1.0),  # signs do not count
        ("光荣公司", "光荣", 2 * 2 / 6, 0.0),
        ("荣光", "光荣", 2 * 1 / 4, 0.0),  # the longest run, not the bag of characters
        ("Koei公司", "koei", 2 * 1 / 4, 0.0),  # a run of letters is one unit
        ("上海", "北京", 0.0, 0.0),
        ("", "北京", 0.0, 0.0),
        ("1998年", "1998年。", 1.0, 1.0),
    ],
)
def test_cmrc_known_cases(answer: str, reference: str, f1: float, exact: float) -> None:
    assert rate_cmrc(answer, reference) == pytest.approx((f1, exact))


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_the_longest_run_is_the_longest_of_all_runs(first: str, second: str) -> None:
    runs = {""} | {first[i:j] for i in range(len(first)) for j in range(i, len(first) + 1)}
    assert common_run(first, second) == max(len(run) for run in runs if run in second)


def test_the_best_of_several_references_counts_and_none_wants_no_answer() -> None:
    rated = rate_answers(["blue whale", "", "whale"], [["fish", "blue whale"], [], []])
    assert rated.tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


def test_scores_are_means_over_questions_split_by_whether_they_have_an_answer() -> None:
    written = ["cat", "dog", "", "cat"]
    measured = answer_scores(written, [["cat"], ["cat"], [], []], ["a", "a", "b", "c"], resamples=200, seed=0)
    values = {name: score["value"] for name, score in measured["scores"].items()}
    assert values == {
        "f1": 0.5,
        "exact_match": 0.5,
        "answerable_f1": 0.5,
        "answerable_exact_match": 0.5,
        "unanswerable_exact_match": 0.5,
    }
    assert measured["signature"] == {"f1": "squad"}
    assert all(score["low"] <= score["value"] <= score["high"] for score in measured["scores"].values())


def test_questions_of_one_document_are_drawn_together() -> None:
    written, references = ["cat"] * 50 + ["dog"] * 50, [["cat"]] * 100
    apart = answer_scores(written, references, [str(n) for n in range(100)], resamples=500, seed=0)["scores"]["f1"]
    together = answer_scores(written, references, [str(n // 25) for n in range(100)], resamples=500, seed=0)
    width = together["scores"]["f1"]["high"] - together["scores"]["f1"]["low"]
    assert width > 3 * (apart["high"] - apart["low"])


def test_all_right_has_an_interval() -> None:
    score = answer_scores(["北京"] * 20, [["北京"]] * 20, ["a"] * 20, resamples=100, seed=0)["scores"]["exact_match"]
    assert (score["value"], score["high"]) == (1.0, 1.0)
    assert score["low"] < 0.9


def test_a_difference_is_that_of_the_scores() -> None:
    references, documents = [["cat"]] * 10, [str(n) for n in range(10)]
    ours, theirs = ["cat"] * 8 + ["dog"] * 2, ["cat"] * 1 + ["dog"] * 9
    gap = answer_difference(ours, theirs, references, documents, resamples=200, seed=0)
    assert gap["f1"]["value"] == pytest.approx(0.7)
    assert gap["f1"]["low"] > 0
    few = answer_difference(ours, ["cat"] * 5 + ["dog"] * 5, references, documents, resamples=200, seed=0)
    assert few["f1"]["low"] <= 0  # three questions are too few to tell


@pytest.mark.parametrize("documents", [1, 2, 5])
def test_few_documents_are_never_more_than_chance_however_many_questions_they_have(documents: int) -> None:
    references, asked = [["cat"]] * 60, [str(n % documents) for n in range(60)]
    gap = answer_difference(["cat"] * 60, ["dog"] * 60, references, asked, resamples=200, seed=0)
    assert all(score["value"] == 1.0 and score["low"] == 0.0 for score in gap.values())


def test_documents_in_which_gains_and_losses_cancel_do_not_count_as_differing() -> None:
    rng = np.random.default_rng(0)
    documents = [str(n // 4) for n in range(80)]
    ours, theirs = ["cat", "dog"] * 40, ["dog", "cat"] * 40
    for place in rng.choice(5, 5, replace=False):  # five documents are better
        theirs[4 * place] = theirs[4 * place + 2] = "dog"
        ours[4 * place : 4 * place + 4] = ["cat"] * 4
    gap = answer_difference(ours, theirs, [["cat"]] * 80, documents, resamples=500, seed=0)
    assert gap["f1"]["value"] > 0
    assert gap["f1"]["low"] == 0.0


def test_all_right_says_no_more_than_its_documents_do() -> None:
    one = answer_scores(["cat"] * 20, [["cat"]] * 20, ["a"] * 20, resamples=100, seed=0)["scores"]["f1"]
    many = answer_scores(["cat"] * 20, [["cat"]] * 20, [*"abcdefghijklmnopqrst"], resamples=100, seed=0)["scores"]["f1"]
    assert one["value"] == many["value"] == one["high"] == 1.0
    assert one["low"] < 0.3 < 0.8 < many["low"]


@given(
    st.lists(
        st.tuples(st.integers(-5, 5), st.integers(0, 100).map(lambda f1: f1 / 100), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_no_threshold_is_better_than_the_one_chosen(rows: list[tuple[int, float, bool]]) -> None:
    margins = np.array([float(margin) for margin, _, _ in rows])
    answered = np.array([0.0 if is_none else f1 for _, f1, is_none in rows])
    refused = np.array([float(is_none) for _, _, is_none in rows])

    def mean(threshold: float) -> float:
        return float(np.where(margins > threshold, answered, refused).mean())

    best = max(mean(threshold) for threshold in np.arange(-6.5, 7.0, 0.5))
    assert mean(choose_threshold(margins, answered, refused)) == pytest.approx(best)


def test_rows_without_references_are_refused() -> None:
    with pytest.raises(DataError, match="2 answers and references for 1"):
        rate_answers(["a", "b"], [["a"]])
