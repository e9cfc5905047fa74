"""Where in a text an answer stands, also where its row counts bytes, or is a few characters off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FoundBy = Literal["", "byte_offsets", "moved", "several_places", "apart"]


@dataclass(frozen=True)
class Place:
    """An answer in its text.

    Attributes:
        answer: without the spaces around it.
        start: its first character; -1: it is not in the text.
        found_by: how it was found; empty: it stands where its row says, or occurs once and nothing was said.
    """

    answer: str
    start: int
    found_by: FoundBy


def place_answer(text: str, answer: str, start: int | None) -> Place:
    """Finds an answer in its text.

    The rule: (1) it stands at character ``start``; (2) it stands at byte ``start`` of the text's UTF-8
    (``byte_offsets``); (3) it occurs elsewhere, and the place nearest to ``start`` counts (``moved``); (4) nothing was
    said of where it stands, and the first place counts (``several_places``, where there are more); (5) it does not
    occur (``apart``).

    Args:
        text: in which it stands.
        answer: as the row has it.
        start: of its first character, as the row says; None where it says nothing.

    >>> place_answer("北京在中国", "中国", 9)
    Place(answer='中国', start=3, found_by='byte_offsets')
    """
    bare = answer.strip()
    if start is not None:
        start += len(answer) - len(answer.lstrip())
        if start >= 0 and text.startswith(bare, start):
            return Place(bare, start, "")
        at_byte = _character_at_byte(text, start)
        if at_byte is not None and text.startswith(bare, at_byte):
            return Place(bare, at_byte, "byte_offsets")
    places = list(_occurrences(text, bare))
    if not places:
        return Place(bare, -1, "apart")
    if start is None:
        return Place(bare, places[0], "several_places" if len(places) > 1 else "")
    wanted = start
    return Place(bare, min(places, key=lambda place: abs(place - wanted)), "moved")


def _occurrences(text: str, answer: str) -> Iterator[int]:
    place = text.find(answer) if answer else -1
    while place >= 0:
        yield place
        place = text.find(answer, place + 1)


def _character_at_byte(text: str, byte: int) -> int | None:
    """Returns the number of the character that begins at a byte of the text's UTF-8; None where none does."""
    if byte < 0:
        return None
    data = text.encode("utf-8")
    if byte >= len(data) or (data[byte] & 0xC0) == 0x80:
        return None
    return len(data[:byte].decode("utf-8"))
