"""Two texts side by side: what is marked is what differs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penjing.pipeline.report.difference import Stretch, mark_differences

WORDS = st.lists(st.sampled_from(["one", "two", "three", "好", "电影", ",", "<br />"]), max_size=30).map(" ".join)


@given(WORDS, WORDS)
def test_short_texts_are_whole_and_what_is_not_marked_is_the_same(one: str, other: str) -> None:
    left, right = mark_differences(one, other)
    if len(one) <= 120 and len(other) <= 120:
        assert "".join(part.text for part in left) == one
        assert "".join(part.text for part in right) == other
    same = ["".join(part.text for part in side if not part.differs) for side in (left, right)]
    assert same[0] == same[1]


def test_a_word_and_a_character_are_marked_alone() -> None:
    assert mark_differences("a good film", "a bad film") == (
        [Stretch("a ", False), Stretch("good", True), Stretch(" film", False)],
        [Stretch("a ", False), Stretch("bad", True), Stretch(" film", False)],
    )
    left, _ = mark_differences("电影很好看", "电影不好看")
    assert left == [Stretch("电影", False), Stretch("很", True), Stretch("好看", False)]


def test_long_equal_stretches_are_cut_out_around_what_differs() -> None:
    long = "word " * 100
    left, right = mark_differences(f"{long}a {long}b", f"{long}c {long}d")
    assert [part.text for part in left if part.differs] == ["a", "b"]
    assert [part.text for part in right if part.differs] == ["c", "d"]
    assert all(len(part.text) <= 123 for part in left)
    assert left[0].text.startswith("…")
    assert left[2].text.count("…") == 1
