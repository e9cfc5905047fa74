"""Where a text is cut before entries are made of it, so that no entry joins what does not belong together.

After the patterns of GPT-2 (Radford et al. 2019, ``encoder.py``), Llama 3 (digits in groups of three) and Qwen 2
(digits one by one). Those put letters of all scripts into one piece: "DVD的" or "很好film" may become an entry. Here a
piece has letters of one script only, by the script property of Unicode (UAX #24).
"""

from __future__ import annotations

#: Scripts whose words stand between spaces; the space before a word belongs to it.
_SPACED = (
    *("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Hangul", "Devanagari", "Bengali", "Tamil", "Telugu"),
    *("Kannada", "Malayalam", "Gujarati", "Gurmukhi", "Oriya", "Sinhala", "Armenian", "Georgian", "Ethiopic"),
    *("Tibetan", "Mongolian", "Syriac", "Thaana", "Cherokee", "Common"),
)
#: Scripts without spaces between words: a space before them is not part of the word.
_UNSPACED = ("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar")
_LONG_VOWELS = "ーｰ"  # of both kana; Unicode gives them to no script
_CONTRACTION = r"['’](?i:s|d|m|t|ll|ve|re)(?![\p{L}\p{M}\p{N}])"
_SIGNS = r" ?[[^\s\p{L}\p{N}\p{M}]\p{Inherited}]+"
_ANY_LETTER = r"[\p{L}\p{M}]\p{Inherited}*"  # of a script that is not named here: one by one
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"


def guarded_pattern(digits: int) -> str:
    """Returns the pattern, in Oniguruma's syntax, whose matches are the pieces of a text; they cover all of it.

    A piece is one of: letters of one script with their marks; an English contraction; at most so many digits; signs;
    white space.

    Args:
        digits: the most in a piece.
    """
    unspaced = "|".join(_run(script) for script in _UNSPACED)
    spaced = "|".join(_run(script) for script in _SPACED)
    numbers = rf"\p{{N}}{{1,{digits}}}"
    return "|".join([_CONTRACTION, f" ?(?:{spaced})", unspaced, numbers, _SIGNS, _ANY_LETTER, _SPACES])


def _run(script: str) -> str:
    """Returns the pattern of letters of a script, with the accents that all scripts share."""
    letters = rf"[\p{{{script}}}&&[\p{{L}}\p{{M}}]]"
    more = _LONG_VOWELS if script in ("Hiragana", "Katakana") else ""
    return rf"{letters}[{letters}\p{{Inherited}}{more}]*"
