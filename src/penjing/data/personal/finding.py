"""What a detector of personal data gives, and the door to the registered ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penjing.errors import MissingExtraError
from penjing.registry import load_registered

if TYPE_CHECKING:
    from penjing.data.personal.entities import Entity

GROUP = "personal"
#: Stands, for detectors that a model helps, for each character that an earlier detector has claimed.
CLAIMED = "\ufffc"


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


@dataclass(frozen=True)
class EntityDetector:
    """Finds pieces in a text with the help of a model.

    Attributes:
        find: from a text, in which `CLAIMED` stands for what is another kind's, and what has a name in it.
    """

    find: Callable[[str, Sequence[Entity]], Iterable[Span]]


def needs_models(kind: str) -> bool:
    """Whether a registered kind of personal data is found with the help of a model.

    Raises:
        UsageError: there is none of that kind.
    """
    return isinstance(load_registered(GROUP, kind), EntityDetector)


def load_detectors(kinds: Sequence[str]) -> dict[str, Detector | EntityDetector]:
    """Returns registered detectors by kind.

    Raises:
        UsageError: there is none of that kind; the nearest is named.
        MissingExtraError: a detector needs a package that is not installed.
    """
    found: dict[str, Detector | EntityDetector] = {kind: load_registered(GROUP, kind) for kind in kinds}
    try:
        for detect in found.values():
            list(detect.find("", ()) if isinstance(detect, EntityDetector) else detect("", ()))
    except ImportError as error:
        raise MissingExtraError(error.name or "python-stdnum", "privacy", "Finding personal data") from error
    return found


def find_personal(
    text: str,
    detectors: Mapping[str, Detector | EntityDetector],
    regions: Sequence[str],
    entities: Sequence[Entity] = (),
) -> list[Finding]:
    """Returns the personal data in a text, in order, none inside of another.

    Where two kinds claim the same place, that of the earlier detector counts: the number of a card is no telephone
    number, and a key before an @ no name.

    Args:
        text: the text.
        detectors: by kind, in the order of their claims.
        regions: countries whose telephone numbers are known without their +.
        entities: what a model sees in the text; needed for an `EntityDetector` only.
    """
    kept: list[Finding] = []  # in order
    for kind, detect in detectors.items():
        if isinstance(detect, EntityDetector):
            spans = detect.find(_without(text, kept), entities)
        else:
            spans = detect(text, regions)
        for start, end, value in sorted(spans, key=lambda span: span[0] - span[1]):  # the longest first
            place = bisect_left(kept, start, key=lambda finding: finding.start)
            is_free = place == len(kept) or end <= kept[place].start
            if is_free and (place == 0 or kept[place - 1].end <= start):
                kept.insert(place, Finding(kind, start, end, value))
    return kept


def _without(text: str, findings: Sequence[Finding]) -> str:
    """Returns a text as long, with `CLAIMED` where something was found."""
    parts, end = [], 0
    for finding in findings:
        parts += [text[end : finding.start], CLAIMED * (finding.end - finding.start)]
        end = finding.end
    return "".join([*parts, text[end:]])
