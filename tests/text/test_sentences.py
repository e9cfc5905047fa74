"""Sentences end where readers see them end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penjing.text.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["We propose FearNet.", "It is efficient!", "Is it?", "Yes"],
        ["Dr. Li and Mr. Wu met J. Smith at 3.5 p.m. today.", "They left."],
        ["Results (Li et al. 2018) hold, e.g. Those of Fig. 3."],
        ['He said "no."', "She went."],
        ["Wait... he said.", "And then…", "Nothing."],
        ["the method in vs. out", "A line without an end"],
        ["Sie hat z. B. Hunde.", "Er nicht."],
    ],
)
def test_sentences_of_spaced_languages(sentences: list[str]) -> None:
    glue = "\n" if "A line without an end" in sentences else " "
    assert split_sentences(glue.join(sentences)) == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["房间很好。", "服务呢？！", "早餐一般；", "下次再来"],
        ["他说：“走吧。”", "她走了……", "没有人。"],
        ["気温は3.5度。", "寒い！」"],
        ["房间很好!", "早餐一般??", "比尔.盖茨来过!"],
        ["雅虎Yahoo!奇摩的《桃之阵!》不错"],
    ],
)
def test_sentences_without_spaces(sentences: list[str]) -> None:
    assert split_sentences("".join(sentences)) == sentences


def test_text_without_words_has_no_sentence() -> None:
    assert split_sentences(" \n ") == []


@given(st.text('aA .!?。”"…\n1', max_size=40))
@settings(max_examples=100)
def test_nothing_but_spaces_is_lost(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
