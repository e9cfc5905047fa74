from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import Regex, pre_tokenizers

from penjing.text.guards import guarded_pattern
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings

MIXED = [
    "DVD的画面very好",
    "价格1234元,5折!",
    "it's B2B, don't 2021年",
    "ありがとう漢字カタカナ",
    "привет world 한국어",
] * 30
_NAMED = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "CYRILLIC", "GREEK", "HANGUL", "ARABIC", "HEBREW", "THAI")
_TEXT = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab 1２Ⅷ中文，。é\u0301かカーпр'’\n\u200d😀")))


def pieces(text: str, digits: int = 1) -> list[str]:
    cut = pre_tokenizers.Split(Regex(guarded_pattern(digits)), behavior="isolated")
    return [piece for piece, _ in cut.pre_tokenize_str(text)]


def kinds(piece: str) -> set[str]:
    """Returns what a piece is made of: scripts by the names of their letters, numbers and signs."""
    found = set()
    for character in piece.removeprefix(" "):
        category = unicodedata.category(character)
        script = unicodedata.name(character, "").partition(" ")[0]
        if category.startswith("N"):
            found.add("number")
        elif category.startswith("L") and script in _NAMED:
            found.add(script)
        elif category[0] in "PS":
            found.add("sign")
    return found


def tokenizer_of(kind: str, digits: int = 1) -> Tokenizer:
    settings = {"kind": kind, "vocab_size": 420, "guards": True, "digits": digits, "min_frequency": 1}
    return train_tokenizer([MIXED], TokenizerSettings.model_validate(settings))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 25 DVDs", ["It", "'s", " ", "2", "5", " DVDs"]),
        ("DVD的画面 very好,", ["DVD", "的画面", " very", "好", ","]),
        ("ひらカタ漢字", ["ひら", "カタ", "漢字"]),
        ("cafe\u0301 'tis", ["cafe\u0301", " '", "tis"]),
        ("好，好。  x\n\ny", ["好", "，", "好", "。", " ", " x", "\n\n", "y"]),
    ],
)
def test_pieces_are_cut_where_scripts_digits_and_signs_meet(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_digits_stand_in_groups_of_at_most_so_many() -> None:
    assert pieces("x12345", 3) == ["x", "123", "45"]
    assert pieces("x12345", 1) == ["x", "1", "2", "3", "4", "5"]


@given(_TEXT)
@settings(max_examples=300)
@example("Ⅷ中a")
def test_no_piece_joins_scripts_or_letters_and_digits_and_the_pieces_are_the_text(text: str) -> None:
    found = pieces(text, 3)
    assert "".join(found) == text
    for piece in found:
        assert len(kinds(piece)) <= 1 or (kinds(piece) == {"LATIN", "sign"} and piece[0] in "'’"), piece


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@pytest.mark.parametrize("digits", [1, 3])
def test_no_entry_joins_scripts_or_letters_and_digits(kind: str, digits: int) -> None:
    tokenizer = tokenizer_of(kind, digits)
    entries = [tokenizer.decode([number]).strip("\ufffd") for number in range(5, tokenizer.vocab_size)]
    assert any(len(entry) > 3 for entry in entries)
    for entry in entries:
        assert len(kinds(entry)) <= 1 or entry[0] in "'’", entry
        assert sum(character.isnumeric() and "CJK" not in unicodedata.name(character) for character in entry) <= digits


def test_without_guards_entries_do_join_them() -> None:
    settings = TokenizerSettings(kind="bpe", vocab_size=420, min_frequency=1)
    tokenizer = train_tokenizer([MIXED], settings)
    entries = [tokenizer.decode([number]).strip("\ufffd") for number in range(5, tokenizer.vocab_size)]
    assert any({"LATIN", "CJK"} <= kinds(entry) for entry in entries)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "wordpiece", "guards": True}, "guards are for the kinds bpe and unigram"),
        ({"kind": "bpe", "digits": 3}, "digits counts only with guards"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TokenizerSettings.model_validate(values)
