"""English contractions that a corpus splits in the manner of the Penn Treebank: "do n't" is "don't"."""

from __future__ import annotations

import re

_GAP = re.compile(r"(?<=\w) (?=(?:n't|'s|'re|'ve|'ll|'d|'m)(?!\w))", re.IGNORECASE)


def rejoin_contractions(text: str) -> str:
    """Returns the text with split contractions put together.

    >>> rejoin_contractions("it 's not that they do n't care , it 'd seem")
    "it's not that they don't care , it'd seem"
    """
    return _GAP.sub("", text)


def kept_characters(text: str) -> list[int]:
    """Returns where each character of `rejoin_contractions` stands in the text.

    >>> kept_characters("it 's")
    [0, 1, 3, 4]
    """
    dropped = {match.start() for match in _GAP.finditer(text)}
    return [i for i in range(len(text)) if i not in dropped]
