"""Postal addresses: what rules know of streets and numbers, joined with the places that a model sees beside them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from penjing.data.personal.finding import EntityDetector, Span
from penjing.data.personal.postal_chinese import find_chinese_cores
from penjing.data.personal.postal_western import NUMBER_BEHIND, PARTS_AFTER, PARTS_BEFORE, POSTCODE, find_western_cores

if TYPE_CHECKING:
    from penjing.data.personal.entities import Entity

_DIGIT = re.compile(r"\d|[一二三四五六七八九十]号")
# A place without signs at its edges; small words and the beginning of a flat behind it are no part of it.
_NAMED = re.compile(r"\w[\s\S]*")
_NOT_NAMED = re.compile(r"(?:[\W_]|(?<!\w)(?:[a-z]+|Apt|Apartment|Suite|Ste|Unit|Flat))+$")
_LONGEST_CODE = 10
_GAP = re.compile(r"[\s,，;]{0,3}")


def find_postal_addresses(text: str, entities: Sequence[Entity]) -> list[Span]:
    """Finds postal addresses: a street or a building with its number, and what belongs to it.

    Flats, places, postal codes and countries belong to it if only commas, spaces or line ends stand between. A city
    by itself is none, nor is a street without a number.
    """
    if _DIGIT.search(text) is None:
        return []
    seen = (_place(text, entity) for entity in entities if entity.kind == "place")
    places = [(start, end) for start, end in seen if start < end]
    cores = sorted((*find_western_cores(text), *find_chinese_cores(text, places)))
    places = [place for place in places if sum(_overlap(place, core) for core in cores) < 2]
    found: list[tuple[int, int]] = []
    for core in cores:
        start, end = _extended(text, core, places)
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        elif found and _is_gap(text, found[-1][1], start):
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return [(start, end, address_value(text[start:end])) for start, end in found]


def address_value(address: str) -> str:
    """Returns an address as it is the same however it is written: letters and digits of one case, in half width."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", address).casefold()))


def _place(text: str, entity: Entity) -> tuple[int, int]:
    """Returns the borders of what a model takes for a place; they are the same if nothing is left."""
    named = _NAMED.search(text, entity.start, entity.end)
    if named is None:
        return entity.end, entity.end
    rest = _NOT_NAMED.search(named[0])
    return named.start(), named.start() + (len(named[0]) if rest is None else rest.start())


def _extended(text: str, core: tuple[int, int], places: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Returns the borders of an address from a part of it."""
    start, end = core
    while (further := _end_of_next(text, end, places)) > end:
        end = further
    while (earlier := _start_of_last(text, start, places)) < start:
        start = earlier
    return start, end


def _end_of_next(text: str, end: int, places: Sequence[tuple[int, int]]) -> int:
    for code in POSTCODE.finditer(text, max(0, end - _LONGEST_CODE), end + _LONGEST_CODE):
        if code.start() <= end < code.end():  # a model may take a part of it for a place
            return code.end()
    for first, last in places:
        if first <= end < last or (first > end and _is_gap(text, end, first)):
            number = NUMBER_BEHIND.match(text, last)
            return last if number is None else number.end()
    gap = _GAP.match(text, end)
    part = PARTS_AFTER.match(text, gap.end() if gap is not None else end)
    return part.end() if part is not None else end


def _start_of_last(text: str, start: int, places: Sequence[tuple[int, int]]) -> int:
    for first, last in places:
        if first < start <= last or (last < start and _is_gap(text, last, start)):
            return first
    part = PARTS_BEFORE.search(text, max(0, start - 40), start)
    return part.start() if part is not None else start


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _is_gap(text: str, start: int, end: int) -> bool:
    return _GAP.fullmatch(text, start, end) is not None


ADDRESS = EntityDetector(find_postal_addresses)
