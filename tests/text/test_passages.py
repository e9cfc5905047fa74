"""Passages are cut at sentences, cover the text, and say where they stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penjing.text.passages import count_words, split_passages

SENTENCES = st.lists(
    st.sampled_from(["A cat sat. ", "北京很大。", "He left!\n", "What is it? ", "长" * 30 + "。"]), min_size=1
)


@given(SENTENCES, st.integers(1, 20))
def test_passages_cover_the_text_and_keep_to_the_limit(sentences: list[str], most: int) -> None:
    text = "".join(sentences)
    passages = split_passages(text, most)
    covered = {place for start, end in passages for place in range(start, end)}
    assert all(place in covered or text[place].isspace() for place in range(len(text)))
    assert [start for start, _ in passages] == sorted({start for start, _ in passages})
    longest = max(count_words(sentence) for sentence in sentences)
    assert all(count_words(text[start:end]) <= max(most, longest) for start, end in passages)


def test_a_passage_begins_with_the_last_sentence_of_the_one_before() -> None:
    text = "One is. Two is. Three is. Four is."
    assert [text[start:end] for start, end in split_passages(text, 5)] == [
        "One is. Two is.",
        "Two is. Three is.",
        "Three is. Four is.",
    ]


def test_an_empty_text_has_none() -> None:
    assert split_passages(" \n") == []
