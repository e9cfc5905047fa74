"""Question and text are told apart, and what of the text the question has too can be marked."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penjing.text.segments import MatchMarks, match_lengths, token_types

UNKNOWN = 0
TOKENS = st.lists(st.integers(0, 3), max_size=12)


def naive_lengths(question: list[int], text: list[int], longest: int) -> list[int]:
    """The same by its definition: the longest slice of known tokens around each that is a slice of the question too."""
    slices = {tuple(question[i:j]) for i in range(len(question)) for j in range(i + 1, len(question) + 1)}
    known = {found for found in slices if UNKNOWN not in found}

    def around(place: int) -> int:
        return max(
            (
                length
                for length in range(1, longest + 1)
                for start in range(place - length + 1, place + 1)
                if start >= 0 and start + length <= len(text) and tuple(text[start : start + length]) in known
            ),
            default=0,
        )

    return [around(place) for place in range(len(text))]


@given(question=TOKENS, text=TOKENS, longest=st.integers(1, 8))
def test_a_token_is_in_a_run_as_long_as_the_longest_that_both_have(
    question: list[int], text: list[int], longest: int
) -> None:
    found = match_lengths(
        np.array(question, dtype=np.int64), np.array(text, dtype=np.int64), MatchMarks(longest, unknown_id=UNKNOWN)
    )
    assert found.tolist() == naive_lengths(question, text, longest)


def test_types_are_those_of_bert_where_nothing_is_marked() -> None:
    ids = np.array([[2, 7, 3, 7, 9, 3], [2, 3, 8, 3, 0, 0]])
    types = token_types(ids, np.array([3, 2]), ids != 0)
    assert types.tolist() == [[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0]]


def test_the_question_special_tokens_and_padding_are_never_marked() -> None:
    ids = np.array([[2, 7, 8, 3, 8, 9, 7, 8, 3], [2, 7, 3, 7, 3, 0, 0, 0, 0]])
    types = token_types(ids, np.array([4, 3]), ids != 0, MatchMarks(2, unknown_id=1))
    assert types.tolist() == [[0, 0, 0, 0, 2, 1, 3, 3, 1], [0, 0, 0, 2, 1, 0, 0, 0, 0]]


def test_a_row_without_a_question_or_a_text_has_nothing_to_mark() -> None:
    ids = np.array([[2, 3, 5, 3], [2, 5, 3, 3]])
    types = token_types(ids, np.array([2, 3]), np.ones_like(ids, dtype=np.bool_), MatchMarks(3, unknown_id=1))
    assert types.tolist() == [[0, 0, 1, 1], [0, 0, 0, 1]]


def test_an_unknown_token_matches_nothing_for_it_may_be_another_word() -> None:
    ids = np.array([[2, 7, 1, 8, 3, 7, 1, 8, 1, 3]])
    types = token_types(ids, np.array([5]), np.ones_like(ids, dtype=np.bool_), MatchMarks(3, unknown_id=1))
    assert types.tolist() == [[0, 0, 0, 0, 0, 2, 1, 2, 1, 1]]
