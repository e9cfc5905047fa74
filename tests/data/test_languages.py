"""Languages: Chinese is Chinese, short texts stay, what is clearly foreign is found."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from penjing.data.languages import LanguageFinder
from penjing.errors import UsageError

TEXTS = {
    "en": "The rooms were clean, and the staff was friendly and spoke good English.",
    "zh": "这家酒店的位置很好，房间也干净，下次还会再来。",
    "de": "Das Zimmer war sauber, und das Personal sprach sehr gutes Englisch.",
    "ja": "このホテルは駅から近くて、部屋もきれいでした。",
    "ru": "Номер был чистым, а персонал очень приветливым.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_language_of_a_sentence_is_found(language: str) -> None:
    guess = LanguageFinder(["en"]).guess(TEXTS[language])
    assert (guess.language, guess.probability > 0.5) == (language, True)


def test_foreign_is_what_is_in_none_of_the_languages_wanted() -> None:
    finder = LanguageFinder(["en", "zh"])
    assert [name for name, text in TEXTS.items() if finder.foreign(text)] == ["de", "ja", "ru"]
    assert [finder.foreign(text) for text in ("", "ok", "why ?", "123", "🙂", "好")] == [None] * 6


def test_chinese_headlines_and_reviews_and_german_captions_are_told_apart(shared_data: Path) -> None:
    headlines = [line.split("\t")[0] for line in (shared_data / "thucnews" / "dev.txt").read_text("utf-8").splitlines()]
    packed = (shared_data / "multi30k" / "train.de.gz").read_bytes()
    captions = gzip.decompress(packed).decode("utf-8").splitlines()[:1000]
    finder = LanguageFinder(["zh"])
    assert sum(finder.foreign(text) is not None for text in headlines[:2000]) <= 10
    assert sum(finder.foreign(text) is not None for text in captions) >= 995


def test_unknown_language_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match='the language "chinese" is not known'):
        LanguageFinder(["chinese"])
