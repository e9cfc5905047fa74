"""Scripts: which one a text is in, and a language."""

from __future__ import annotations

import pytest

from penjing.data.scripts import script_of, script_of_language


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("The rooms were clean.", "Latin"),
        ("Größe, Ærø, năm", "Latin"),
        ("这家酒店的位置很好", "Han"),
        ("我的同事 Anna Smith 来自英国", "Han"),
        ("The word 盆景 means a landscape grown in a tray", "Latin"),
        ("このホテルは駅から近い", "Japanese"),
        ("서울은 한국의 수도이다", "Hangul"),
        ("Номер был чистым", "Cyrillic"),
        ("Το δωμάτιο ήταν καθαρό", "Greek"),
        ("كانت الغرفة نظيفة", "Arabic"),
        ("12, 34! —…", ""),
        ("12", ""),
    ],
)
def test_script_of_a_text_is_that_of_most_of_it(text: str, script: str) -> None:
    assert script_of(text) == script


def test_languages_are_written_in_their_scripts() -> None:
    languages = ("en", "de", "zh", "ja", "ko", "ru", "uk", "ar", "he", "el", "th")
    assert [script_of_language(language) for language in languages] == [
        *["Latin"] * 2,
        *("Han", "Japanese", "Hangul", "Cyrillic", "Cyrillic", "Arabic", "Hebrew", "Greek", "Thai"),
    ]
