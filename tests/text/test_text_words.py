from __future__ import annotations

import pytest

from penjing.text.text_words import find_text_words, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A lovely film about 北京", "en"),
        ("这部DVD的画面很好，声音也不错", "zh"),
        ("Ein schöner Film", "en"),
        ("это кино", "other"),
        ("これは素晴らしい映画です", "other"),
        ("12345 !!", "other"),
        ("", "other"),
    ],
)
def test_the_language_is_told_by_script(text: str, language: str) -> None:
    assert language_of(text) == language


def test_words_stand_between_spaces_without_signs_at_the_ends() -> None:
    text = '"Don\'t," she said -- half-heartedly (twice).'
    assert [text[start:end] for start, end in find_text_words(text)] == [
        "Don't",
        "she",
        "said",
        "half-heartedly",
        "twice",
    ]


def test_marks_at_the_end_of_a_word_belong_to_it() -> None:
    text = "cafe\u0301, हिन्दी।"
    assert [text[start:end] for start, end in find_text_words(text)] == ["cafe\u0301", "हिन्दी"]


def test_chinese_is_cut_by_the_dictionary_and_what_stands_between_by_spaces() -> None:
    pytest.importorskip("rjieba")
    text = "酒店的服务，very good房间"
    assert [text[start:end] for start, end in find_text_words(text)] == ["酒店", "的", "服务", "very", "good", "房间"]


def test_chinese_without_the_dictionary_is_cut_by_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penjing.text.text_words.cuts_chinese_words", lambda: False)
    text = "酒店 B座"
    assert [text[start:end] for start, end in find_text_words(text)] == ["酒", "店", "B", "座"]
