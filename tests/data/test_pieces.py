from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.data.pieces import FEWEST_WORDS, draw_join, draw_piece, word_spans

ENGLISH = st.lists(st.sampled_from(["don't", "a", "well-known", "film,", "No", "7.5", "(and"]), min_size=2, max_size=30)
SPACED = ENGLISH.map(" ".join)
CHINESE = st.text(st.sampled_from("我们在北京看了一部电影。，ひらがな"), min_size=2, max_size=40).filter(
    lambda text: len(word_spans(text)) >= FEWEST_WORDS
)
MIXED = st.text(st.sampled_from("电影好 \nab9é\u0301กำ，."), max_size=40).filter(
    lambda text: len(word_spans(text)) >= FEWEST_WORDS
)
TEXTS = st.one_of(SPACED, CHINESE, MIXED)
DRAWS = st.integers(0, 1000).map(Random)


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in word_spans(text)]


@given(TEXTS)
def test_every_character_but_white_space_is_in_one_word(text: str) -> None:
    assert "".join(words(text)) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know, 好的!", ["I", "don't", "know,", "好", "的", "!"]),
        ("iPhone手机2025年", ["iPhone", "手", "机", "2025", "年"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
    ],
)
def test_words_are_what_spaces_set_apart_or_characters_with_their_marks(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(TEXTS, DRAWS)
def test_a_piece_is_a_contiguous_half_or_more_of_a_text_in_whole_words(text: str, draw: Random) -> None:
    piece, all_words = draw_piece(text, draw), words(text)
    assert piece in text
    found = words(piece)
    assert len(all_words) / 2 <= len(found) < len(all_words)
    assert any(all_words[start : start + len(found)] == found for start in range(len(all_words)))


@given(TEXTS, TEXTS, DRAWS)
def test_a_join_is_the_beginning_of_one_text_and_the_end_of_another(text: str, other: str, draw: Random) -> None:
    join, text, other = draw_join(text, other, draw), text.strip(), other.strip()
    first, second = words(text), words(other)
    beginnings = {text[: word_spans(text)[n][0]]: n for n in range(1, len(first))}
    ends = {other[word_spans(other)[n][0] :]: len(second) - n for n in range(1, len(second))}
    fitting = [
        (beginnings[head], ends[tail])
        for head in beginnings
        for tail in ends
        if join in (head + tail, f"{head} {tail}")
    ]
    assert any(
        count in range(max(1, len(first) // 3), max(1, 2 * len(first) // 3) + 1) and rest >= len(second) // 3
        for count, rest in fitting
    )


@given(SPACED, SPACED, DRAWS)
def test_no_english_word_is_cut_or_glued(text: str, other: str, draw: Random) -> None:
    join = draw_join(text, other, draw).split()
    assert set(join) <= {*text.split(), *other.split()}
    assert set(draw_piece(text, draw).split()) <= set(text.split())


def test_words_of_two_scripts_are_not_glued() -> None:
    made = {draw_join("iPhone手机", "good films", Random(seed)) for seed in range(40)}
    assert made <= {"iPhone films", "iPhone手films"}
