"""Scripts: those whose words are not set apart by spaces, and which one a text is in."""

from __future__ import annotations

import re

#: A character of such a script, as a regular expression of RE2.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
#: How many characters stand for a word where runs of words are compared.
CHARACTERS_A_WORD = 2
#: A character of such a script, as Python has it.
UNSPACED_CHARACTER = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
#: The commonest of them, kana and Chinese characters, as a range of Python's regular expressions.
SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHARACTERS_A_CUT_WORD = 1.6

_KANA = "\u3040-\u30ff\u31f0-\u31ff"
_RANGES = {
    "Latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
    "Han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "Japanese": _KANA,
    "Hangul": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "Cyrillic": "\u0400-\u052f",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f",
    "Hebrew": "\u0590-\u05ff",
    "Devanagari": "\u0900-\u097f",
    "Bengali": "\u0980-\u09ff",
    "Gurmukhi": "\u0a00-\u0a7f",
    "Gujarati": "\u0a80-\u0aff",
    "Odia": "\u0b00-\u0b7f",
    "Tamil": "\u0b80-\u0bff",
    "Telugu": "\u0c00-\u0c7f",
    "Kannada": "\u0c80-\u0cff",
    "Malayalam": "\u0d00-\u0d7f",
    "Sinhala": "\u0d80-\u0dff",
    "Thai": "\u0e00-\u0e7f",
    "Lao": "\u0e80-\u0eff",
    "Georgian": "\u10a0-\u10ff",
    "Armenian": "\u0530-\u058f",
    "Ethiopic": "\u1200-\u137f",
    "Khmer": "\u1780-\u17ff",
}
_PATTERNS = {script: re.compile(f"[{characters}]") for script, characters in _RANGES.items()}
_WRITTEN_IN = {
    "Han": "zh wuu yue gan hak nan lzh cdo hsn",
    "Japanese": "ja",
    "Hangul": "ko",
    "Cyrillic": "ru uk be bg mk sr kk ky mn tt tg",
    "Greek": "el",
    "Arabic": "ar fa ur ps ug ckb sd",
    "Hebrew": "he yi",
    "Devanagari": "hi mr ne sa",
    "Bengali": "bn as",
    "Gurmukhi": "pa",
    "Gujarati": "gu",
    "Odia": "or",
    "Tamil": "ta",
    "Telugu": "te",
    "Kannada": "kn",
    "Malayalam": "ml",
    "Sinhala": "si",
    "Thai": "th",
    "Lao": "lo",
    "Georgian": "ka",
    "Armenian": "hy",
    "Ethiopic": "am ti",
    "Khmer": "km",
}
_SCRIPTS = {language: script for script, languages in _WRITTEN_IN.items() for language in languages.split()}
_SYLLABIC = frozenset({"Han", "Japanese", "Hangul"})
_LETTERS_A_SYLLABLE = 3
_KANA_OF_JAPANESE = 0.1  # of Chinese characters and kana; the share is about a half


def count_words(text: str) -> float:
    """Returns the words of a text; 1.6 characters of Chinese make one, as a segmenter cuts."""
    unspaced = len(UNSPACED_CHARACTER.findall(text))
    return len(UNSPACED_CHARACTER.sub(" ", text).split()) + unspaced / _CHARACTERS_A_CUT_WORD


def script_of_language(language: str) -> str:
    """Returns the script that a language (ISO 639) is usually written in; Latin, if it is none of those known here."""
    return _SCRIPTS.get(language, "Latin")


def script_of(text: str) -> str:
    """Returns the script that most of a text is in, "" if it has no letters.

    A character of Chinese, Japanese or Korean weighs as much as three letters; Chinese ones among kana are Japanese.
    """
    if text.isascii():
        return "Latin" if any(map(str.isalpha, text)) else ""
    weights = {script: len(pattern.findall(text)) for script, pattern in _PATTERNS.items()}
    for script in _SYLLABIC:
        weights[script] *= _LETTERS_A_SYLLABLE
    if weights["Japanese"] > _KANA_OF_JAPANESE * (weights["Han"] + weights["Japanese"]):
        weights["Japanese"] += weights.pop("Han")
    script = max(weights, key=lambda name: weights[name])
    return script if weights[script] else ""
