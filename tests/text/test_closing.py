from __future__ import annotations

import doctest

import pytest

from penjing.inference.decoding.text_stream import TextStream
from penjing.text import closing
from penjing.text.closing import close_up
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

TEXTS = [
    "我爱北京，也爱新的电影。",
    "他说：“好的……走吧！”",
    "这部 new film 的结尾（很长）真好",
    "a lovely film, and a dull plot",
    "𠮷野家好",
]


@pytest.fixture(scope="module")
def wordpiece() -> Tokenizer:
    return train_tokenizer([TEXTS * 3], TokenizerSettings(vocab_size=400, min_frequency=1))


def test_examples_hold() -> None:
    assert doctest.testmod(closing).failed == 0


@pytest.mark.parametrize("text", TEXTS)
def test_wordpiece_gives_chinese_back_without_spaces_and_english_as_before(wordpiece: Tokenizer, text: str) -> None:
    ids = wordpiece.encode([text])[0]
    assert wordpiece.decode(ids) == text.replace("film, and", "film , and")  # which the decoder does
    stream = TextStream(wordpiece, ())
    assert "".join(map(stream.put, ids)) + stream.finish() == wordpiece.decode(ids)


def test_spaces_that_chinese_has_beside_other_words_and_all_of_english_stay() -> None:
    for text in ("共 2 月", "用 python 写", "a “ quoted ” word - and more", "it ' s", "ひ ら が な", ""):
        assert close_up(text) == text


def test_signs_that_are_read_as_characters_have_the_spaces_of_characters() -> None:
    assert close_up("二 〇 二 六 年 ， 共 一 〇 films ， 人 们 说 々 new") == "二〇二六年，共一〇 films，人们说々 new"


def test_other_kinds_of_tokenizers_give_texts_back_as_they_were() -> None:
    for kind in ("bpe", "unigram"):
        tokenizer = train_tokenizer([TEXTS * 3], TokenizerSettings(kind=kind, vocab_size=500, min_frequency=1))
        for text in (*TEXTS, "北京 上海"):
            assert tokenizer.decode(tokenizer.encode([text])[0]) == text
