from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penjing.text.spans import find_words

_MIXED = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("ab'’-. \n\t中文电影好看，。👍🏽👨\u200d👩\u200d👧❤\ufe0fe\u0301हिन्दी\u200b\ufeff"),
    )
)


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in find_words(text)]


@given(_MIXED)
def test_words_and_white_space_are_the_text(text: str) -> None:
    position, rebuilt = 0, ""
    for start, end in find_words(text):
        assert start >= position
        assert end > start
        gap, word = text[position:start], text[start:end]
        assert not gap.strip()
        assert word == "".join(word.split())
        rebuilt, position = rebuilt + gap + word, end
    assert rebuilt + text[position:] == text
    assert not text[position:].strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It isn't well-made, is it?", ["It", "isn't", "well-made", ",", "is", "it", "?"]),
        ("这部电影很好看，Great电影", ["这部", "电影", "很", "好看", "，", "Great", "电影"]),
        ("ok 👍🏽👨\u200d👩\u200d👧 ❤\ufe0f", ["ok", "👍🏽👨\u200d👩\u200d👧", "❤\ufe0f"]),
        ("cafe\u0301 हिन्दी", ["cafe\u0301", "हिन्दी"]),
        ("葛\U000e0100城", ["葛\U000e0100", "城"]),
        ("'quoted' a- -b", ["'", "quoted", "'", "a", "-", "-", "b"]),
        ("", []),
        (" \n\u3000", []),
    ],
)
def test_words_are_those_that_people_see(text: str, words: list[str]) -> None:
    assert words_of(text) == words
