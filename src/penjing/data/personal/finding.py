"""What a detector of personal data gives, and the door to the registered ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from penjing.errors import MissingExtraError
from penjing.registry import load_registered

GROUP = "personal"


@dataclass(frozen=True)
class Finding:
    """A piece of personal data in a text.

    Attributes:
        kind: as detectors are called: ``email``, ``phone`` …
        start: its first character.
        end: the one after its last.
        value: what it says, the same however it is written: digits without spaces, letters of one case.
    """

    kind: str
    start: int
    end: int
    value: str


Span = tuple[int, int, str]
#: Finds pieces (start, end, value) in a text; the regions are those whose telephone numbers are known without +.
Detector = Callable[[str, Sequence[str]], Iterable[Span]]


def load_detectors(kinds: Sequence[str]) -> dict[str, Detector]:
    """Returns registered detectors by kind.

    Raises:
        UsageError: there is none of that kind; the nearest is named.
        MissingExtraError: a detector needs a package that is not installed.
    """
    found: dict[str, Detector] = {kind: load_registered(GROUP, kind) for kind in kinds}
    try:
        for detect in found.values():
            list(detect("", ()))
    except ImportError as error:
        raise MissingExtraError(error.name or "python-stdnum", "privacy", "Finding personal data") from error
    return found


def find_personal(text: str, detectors: dict[str, Detector], regions: Sequence[str]) -> list[Finding]:
    """Returns the personal data in a text, in order, none inside of another.

    Where two kinds claim the same place, that of the earlier detector counts: the number of a card is no telephone
    number, and a key before an @ no name.
    """
    kept: list[Finding] = []  # in order
    for kind, detect in detectors.items():
        for start, end, value in sorted(detect(text, regions), key=lambda span: span[0] - span[1]):  # the longest first
            place = bisect_left(kept, start, key=lambda finding: finding.start)
            is_free = place == len(kept) or end <= kept[place].start
            if is_free and (place == 0 or kept[place - 1].end <= start):
                kept.insert(place, Finding(kind, start, end, value))
    return kept
