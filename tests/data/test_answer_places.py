"""Where an answer stands in its text, whatever its row says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penjing.data.answer_places import place_answer

TEXT = st.text(alphabet="ab 中国é𝄞", min_size=1, max_size=30)


@given(TEXT, st.data())
def test_an_answer_is_found_at_its_character_and_at_its_byte(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    answer = text[start:end]
    if not answer.strip():
        return
    place = place_answer(text, answer, start)
    assert place.found_by == ""
    assert text[place.start : place.start + len(place.answer)] == place.answer == answer.strip()
    by_byte = place_answer(text, answer, len(text[:start].encode()))
    assert text[by_byte.start : by_byte.start + len(by_byte.answer)] == answer.strip()


def test_an_offset_in_bytes_is_recognized() -> None:
    place = place_answer("首都是北京，北京很大", "北京", 18)
    assert (place.start, place.found_by) == (6, "byte_offsets")


def test_an_answer_that_is_a_little_off_is_taken_where_it_is_nearest() -> None:
    place = place_answer("ab ab ab", "ab", 4)
    assert (place.start, place.found_by) == (3, "moved")


def test_without_an_offset_the_first_place_counts_and_is_counted() -> None:
    assert place_answer("ab ab", "ab", None).found_by == "several_places"
    assert place_answer("ab ac", "ab", None).found_by == ""


def test_an_answer_that_is_not_there_has_no_place() -> None:
    assert place_answer("ab", "cd", 0) == place_answer("ab", "cd", None)
    assert place_answer("ab", "cd", 0).start == -1
