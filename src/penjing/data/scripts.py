"""Scripts whose words are not set apart by spaces."""

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
