"""Texts of tokens whose decoder joins words by spaces: Chinese has none between its characters.

WordPiece cuts Chinese into characters, and its decoder puts a space before each (Devlin et al. 2018; ``tokenizers``,
``decoders.WordPiece``). The rule here: no space stands between two Chinese characters, nor beside a full-width sign,
nor between a Chinese character and a quotation mark, a dash or dots, nor between two dashes or dots. All else, English
words and the space between them and Chinese, stays as the decoder has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import tokenizers

from penjing.text.words import HAN as _USUAL

# Rare ones too, which WordPiece cuts likewise, and those that stand among signs: \u3005, \u3007 and old numerals.
_HAN = f"{_USUAL}\U00020000-\U0002fa1f\u3005-\u3007\u3021-\u3029\u3038-\u303b"
_SIGNS = (  # full-width: they bring their own space
    "\u3001-\u3004\u3008-\u3020\u302a-\u3037\u303c-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
CLOSING_VERSION = 2  # raised with the rule: what was measured of Chinese that was written by it is measured again
_SHARED = "\u2018\u2019\u201c\u201d\u2026\u2014\u00b7"  # quotation marks, dots and dashes, which other scripts have too
_CLOSED = re.compile(
    rf"(?<=[{_HAN}]) (?=[{_HAN}{_SIGNS}{_SHARED}])|(?<=[{_SIGNS}]) (?=\S)|(?<=\S) (?=[{_SIGNS}])"
    rf"|(?<=[{_SHARED}]) (?=[{_HAN}])"
    r"|(?<=\u2026) (?=\u2026)|(?<=\u2014) (?=\u2014)"
)


def decode_text(backend: tokenizers.Tokenizer, ids: Sequence[int]) -> str:
    """Returns the text that ids stand for; special tokens are left out."""
    text = str(backend.decode(ids, skip_special_tokens=True))
    return close_up(text) if _joins_words(backend) else text


def decode_added(backend: tokenizers.Tokenizer, ids: Sequence[int], known: str, before: str) -> str:
    """Returns what the last of some ids adds to a text.

    Args:
        backend: that decodes.
        ids: those before it, and it.
        known: text of those before it.
        before: what it is added to in their place, which decides the space between.
    """
    added = str(backend.decode(ids, skip_special_tokens=True)).removeprefix(known)
    return close_up(before + added)[len(before) :] if _joins_words(backend) else added


def _joins_words(backend: tokenizers.Tokenizer) -> bool:
    return isinstance(backend.decoder, tokenizers.decoders.WordPiece)


def close_up(text: str) -> str:
    """Returns a text without the spaces that Chinese does not have.

    >>> close_up("我 爱 北 京 ， 也 爱 new york 的 2 月 。 “ 好 ”")
    '我爱北京，也爱 new york 的 2 月。“好”'
    """
    return _CLOSED.sub("", text)
