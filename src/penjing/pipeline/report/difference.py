"""Two texts side by side, with what differs between them marked."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

# Words, spaces and signs; of scripts without spaces between words, each character.
_PIECE = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|\s+|\W")
_MOST_PIECES = 1500
_CONTEXT = 60  # characters on either side of what differs


class Stretch(NamedTuple):
    """A part of a text.

    Attributes:
        text: as it stands there.
        differs: whether the other text has something else in its place.
    """

    text: str
    differs: bool


def mark_differences(one: str, other: str) -> tuple[list[Stretch], list[Stretch]]:
    """Returns two texts in stretches, each marked as what differs or not; long equal ones are shortened by "…".

    Of very long texts the beginning is compared.
    """
    pieces = [_PIECE.findall(text)[:_MOST_PIECES] for text in (one, other)]
    matcher = SequenceMatcher(None, pieces[0], pieces[1], autojunk=False)
    sides: tuple[list[Stretch], list[Stretch]] = ([], [])
    steps = matcher.get_opcodes()
    for step, (kind, i, i_end, j, j_end) in enumerate(steps):
        for side, part in zip(sides, (pieces[0][i:i_end], pieces[1][j:j_end]), strict=True):
            text = "".join(part)
            if kind == "equal":
                side.append(Stretch(_shorten(text, is_first=step == 0, is_last=step == len(steps) - 1), False))
            elif text:
                side.append(Stretch(text, True))
    return sides


def _shorten(text: str, *, is_first: bool, is_last: bool) -> str:
    """Returns an equal stretch without its middle; the first keeps its end only, and the last its beginning."""
    if len(text) <= 2 * _CONTEXT + 3:
        return text
    before = text[:_CONTEXT] if is_last or not is_first else ""
    after = text[-_CONTEXT:] if is_first or not is_last else ""
    return f"{before}…{after}"
