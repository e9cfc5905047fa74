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
    ("text", "words", "place"),
    [
        ("It is often so: ten towers.", "ten", (16, 19)),
        ("Of 1066 there are 10.", "10", (18, 20)),
        ("The tenth was Ten.", "ten", (14, 17)),
        ("in 2010年10月", "10", (8, 10)),
        ("two towers", "tower", (4, 9)),  # there is no other
        ("1980s", "1980", (0, 4)),
        ("他在北京", "北京", (2, 4)),
        ("aaab aab ab", "ab", (9, 11)),
    ],
)
def test_whole_words_come_before_parts_of_others(text: str, words: str, place: tuple[int, int]) -> None:
    assert locate_words(text, words) == place
