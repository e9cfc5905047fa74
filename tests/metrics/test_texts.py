"""Words are cut as the references ask, and rows that do not fit are refused."""

from __future__ import annotations

import pytest

from penjing.data import scripts
from penjing.errors import DataError
from penjing.metrics.texts import UNSPACED, check_texts, choose_words, is_unspaced, list_words


def test_scripts_without_spaces_are_those_of_the_data_floor() -> None:
    assert scripts.UNSPACED_CHARACTER.pattern == f"[{UNSPACED}]"


@pytest.mark.parametrize(
    ("texts", "name", "unit"),
    [
        (["A lovely film.", "So naïve a plot, " + "and dull " * 200], "a-z0-9", "words"),
        (["Zwei Männer stehen im Freien."], "unicode", "words"),
        (["Двое мужчин на улице."], "unicode", "words"),
        (["房间很好,但是 WiFi 很慢。"], "characters", "characters"),
        (["男の人が外に立っている。"], "characters", "characters"),
        (["ผู้ชายสองคนยืนอยู่"], "characters", "characters"),
        ([""], "a-z0-9", "words"),
    ],
)
def test_script_of_the_texts_decides_what_a_word_is(texts: list[str], name: str, unit: str) -> None:
    words = choose_words(texts)
    assert (words.name, words.unit) == (name, unit)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two men's hats, 3.5 kg_net!", ["two", "men", "s", "hats", "3", "5", "kg", "net"]),
        ("Über Öfen", ["über", "öfen"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("用 PyTorch 写", ["用", "pytorch", "写"]),
        ("…!", []),
    ],
)
def test_words_are_whole_and_without_punctuation(text: str, words: list[str]) -> None:
    assert list_words(text) == words


def test_a_few_foreign_characters_do_not_make_a_text_unspaced() -> None:
    assert not is_unspaced(["The word 好 is good"])
    assert is_unspaced(["PyTorch 很好用"])
    assert not is_unspaced([""])


def test_rows_that_do_not_fit_are_named() -> None:
    with pytest.raises(DataError, match="2 texts and 1 references"):
        check_texts(texts=["a", "b"], references=["a"])
    with pytest.raises(DataError, match="there are no texts"):
        check_texts(texts=[], references=[])
    with pytest.raises(DataError, match="references, row 2: None is no text"):
        check_texts(texts=["a", "b"], references=["a", None])  # type: ignore[list-item]
    assert check_texts(texts=["", "b"], references=["a", ""]) == 2
