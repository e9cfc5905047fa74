"""What is said again in a text, against counting it the long way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.filters import repetition
from penjing.data.filters.repetition import REPEATED_RUNS, TOP_RUNS

WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "dd", "e"]), max_size=60)


def repeated_shares(text: str, is_unspaced: bool) -> dict[str, float]:
    """Returns the shares of a text that stands among others."""
    texts = ["a bb a bb", text, "的一的一的一"]
    found = repetition.repeated_lines(texts) | repetition.repeated_runs(texts, [False, is_unspaced, True])
    return {name: float(shares[1]) for name, shares in found.items()}


def top_share(words: list[str], length: int) -> float:
    """The most frequent run; of those as frequent, the longest."""
    runs = [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]
    counts = {run: runs.count(run) for run in runs}
    most = max(counts.values(), default=0)
    if most < 2:
        return 0.0
    longest = max(sum(map(len, run)) for run, count in counts.items() if count == most)
    return min(1.0, most * longest / sum(map(len, words)))


def run_share(words: list[str], length: int) -> float:
    """Characters of words that are in a run which came before."""
    seen: set[tuple[str, ...]] = set()
    covered: set[int] = set()
    for at in range(len(words) - length + 1):
        run = tuple(words[at : at + length])
        if run in seen:
            covered |= set(range(at, at + length))
        seen.add(run)
    return sum(len(words[at]) for at in covered) / max(1, sum(map(len, words)))


@given(WORDS)
def test_runs_of_words_are_counted_as_by_hand(words: list[str]) -> None:
    shares = repeated_shares(" ".join(words), False)
    for length in TOP_RUNS:
        assert shares[f"top_{length}"] == pytest.approx(top_share(words, length))
    for length in REPEATED_RUNS:
        assert shares[f"run_{length}"] == pytest.approx(run_share(words, length))


@given(st.lists(st.sampled_from("的一是不了"), max_size=80))
def test_in_scripts_without_spaces_runs_are_of_twice_as_many_characters(characters: list[str]) -> None:
    shares = repeated_shares("".join(characters), True)
    for length in TOP_RUNS:
        assert shares[f"top_{length}"] == pytest.approx(top_share(characters, 2 * length))
    for length in REPEATED_RUNS:
        assert shares[f"run_{length}"] == pytest.approx(run_share(characters, 2 * length))


def test_lines_and_paragraphs() -> None:
    shares = repeated_shares("one\ntwo\none\n\nthree\n\none\ntwo\none", False)
    assert shares["lines"] == pytest.approx(4 / 7)  # one, two, three are new
    assert shares["line_characters"] == pytest.approx((3 + 3 + 3 + 3) / 23)
    assert shares["paragraphs"] == pytest.approx(1 / 3)
    assert shares["paragraph_characters"] == pytest.approx(11 / 27)


@pytest.mark.parametrize("text", ["", " \n ", "word"])
def test_nothing_is_repeated_in_nothing(text: str) -> None:
    assert set(repeated_shares(text, False).values()) == {0.0}
