"""Where a written answer stands in its text."""

from __future__ import annotations

import pytest

from penjing.tasks.written_answers import locate_words


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("red, then Red", "Red", "Red"),  # as it was written comes first
        ("the Eiffel Tower stands", "eiffel tower", "Eiffel Tower"),
        ("由光荣和ω-force开发", "光 荣 和 ω - Force", "光荣和ω-force"),
        ("İstanbul is old", "is", "is"),  # a letter that is two in lower case moves no place
        ("two  dogs\tran", "dogs ran", "dogs\tran"),
        ("red", "blue", None),
        ("the cat here sat", "there", None),  # letters of two words are none
        ("He sat on one chair", "NO", None),
        ("Kenton is near", "Kent on", None),
        ("a nothing", "Not", None),
        ("in 1889, 3.14 m", "3 . 14", "3.14"),
        ("she said don't", "Don ' t", "don't"),
        ("一九八九年", "一 九 八 九 年", "一九八九年"),
        ("red", "", None),
        ("a b", " ", None),
    ],
)
def test_words_are_found_but_for_case_and_spaces(text: str, words: str, found: str | None) -> None:
    place = locate_words(text, words)
    assert (None if place is None else text[slice(*place)]) == found


@pytest.mark.parametrize(
    ("text", "words", "start"),
    [
        ("In 1985 there were 5 people.", "5", 19),
        ("This article is on art.", "art", 19),
        ("This article is on Art.", "art", 19),  # rather than letters of a word
        ("Two cats", "cat", 4),
        ("1980s", "1980", 0),
        ("他在北京", "北京", 2),
        ("aaab aab ab", "ab", 9),
    ],
)
def test_words_are_found_within_a_longer_one_only_where_they_stand_nowhere_else(
    text: str, words: str, start: int
) -> None:
    assert locate_words(text, words) == (start, start + len(words))
