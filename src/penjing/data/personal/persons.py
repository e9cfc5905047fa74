"""Names of persons, as a model sees them in a text, and as titles and phrases tell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from penjing.data.personal.finding import CLAIMED, EntityDetector, Span
from penjing.data.personal.postal import find_postal_addresses
from penjing.data.personal.surnames import COMPOUND_SURNAMES, NO_NAMES, SURNAMES

if TYPE_CHECKING:
    from penjing.data.personal.entities import Entity

_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sir|Dame|Rev|Herr|Frau|Mme|Monsieur|Madame|Señora?|Sra?)"
_WORD = r"[A-ZÀ-ÖØ-Þ](?:[\w'’-]*\w)"
_TITLED = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Mx|Dr|Prof|Professor)\.?[ \u00a0]((?!{_TITLE}\b){_WORD}(?:[ \u00a0]{_WORD}){{0,2}})"
)
_TITLES_BEFORE = re.compile(rf"^(?:{_TITLE}\b\.?\s*|the\s+|Dear\s+|and\s+)+", re.IGNORECASE)
_CLITIC = re.compile(r"['’]s$")
_HONORIFIC = (
    "先生|女士|小姐|太太|夫人|教授|老师|老師|医生|醫生|大夫|博士|同志|同学|同學|师傅|師傅|"
    "经理|經理|主任|律师|律師|阿姨|叔叔|老板"
)
_HONORIFIC_AFTER = re.compile(rf"(?:{_HONORIFIC})+$")
_SURNAME = f"(?:{'|'.join(sorted(COMPOUND_SURNAMES))}|[{''.join(sorted(SURNAMES))}])"
_HAN = r"[\u3400-\u9fff]"
_INTRODUCED = re.compile(
    rf"(?:收件人|收货人|联系人|聯繫人|聯絡人|负责人|負責人|经办人|姓名|签收人|我叫|名叫|他叫|她叫|老师叫|本人|房东是|我是)[:：是]?\s*"
    rf"({_SURNAME}{_HAN}{{1,2}})(?!{_HAN})"
)
# 感谢吴老师 thanks a teacher Wu, and names no 谢吴.
_HONORED = re.compile(
    rf"((?!(?<=[感谢謝])[谢謝]){_SURNAME}(?![谢謝]){_HAN}{{1,2}}|(?:(?<!{_HAN})|(?<=[谢謝])){_SURNAME})(?={_HONORIFIC})"
)
_EDGES = ' \t\u00a0\u3000,.;:!?"“”‘’«»《》〈〉()（）[]【】，。；：！？、*_-–—…/|#<>'
_PIECE = re.compile(rf"[^\n\r{CLAIMED}]+")


def find_persons(text: str, entities: Sequence[Entity]) -> list[Span]:
    """Finds names of persons, without titles; what is found once is found wherever the text repeats it.

    The name of a street is none, even if it is that of a person.
    """
    places = [span[:2] for span in find_postal_addresses(text, entities)]
    found: dict[int, int] = {}  # where a name starts, and ends; the longer of two
    for start, end in (*_seen(text, entities), *_told(text)):
        if not _is_in(places, start, end):
            found[start] = max(end, found.get(start, 0))
    for name in {text[start:end] for start, end in found.items()}:
        for start, end in _repeated(name, text):
            if not _is_in(places, start, end):
                found.setdefault(start, end)
    return [(start, end, name_value(text[start:end])) for start, end in sorted(found.items())]


def _is_in(places: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(start < last and first < end for first, last in places)


def name_value(name: str) -> str:
    """Returns a name as it is the same however it is written: of one case, in half width, without signs and titles."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    words = "".join(sign if sign.isalnum() or unicodedata.combining(sign) else " " for sign in plain).split()
    spaced = " ".join(words)
    return spaced.replace(" ", "") if re.search(_HAN, spaced) else spaced


def _seen(text: str, entities: Sequence[Entity]) -> Iterator[tuple[int, int]]:
    """Yields what a model takes for persons, without what does not belong to the name."""
    for entity in entities:
        if entity.kind != "person":
            continue
        for piece in _PIECE.finditer(text, entity.start, entity.end):
            start, end = _trimmed(text, *piece.span())
            is_next_line = piece.start() > entity.start and text[piece.start() - 1] in "\r\n"
            if _looks_like_name(text[start:end], fewest_words=1 + is_next_line):
                yield start, end


def _looks_like_name(name: str, fewest_words: int) -> bool:
    """Whether it has a letter, a capital where there are such, and no digit; one word of a second line is none."""
    cased = [sign for sign in name if sign.isalpha() and sign.lower() != sign.upper()]
    return (
        any(map(str.isalpha, name))
        and not any(map(str.isdigit, name))
        and (not cased or any(map(str.isupper, cased)))
        and len(name.split()) >= fewest_words
    )


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Returns the borders of a name without titles, the 's behind it, and signs at its edges."""
    before = -1, -1
    while before != (start, end) and start < end:
        before = start, end
        start += len(text[start:end]) - len(text[start:end].lstrip(_EDGES))
        end -= len(text[start:end]) - len(text[start:end].rstrip(_EDGES))
        name = text[start:end]
        title, clitic, honorific = _TITLES_BEFORE.match(name), _CLITIC.search(name), _HONORIFIC_AFTER.search(name)
        if title is not None and title.end() < len(name):
            start += title.end()
        elif clitic is not None:
            end -= len(clitic[0])
        elif honorific is not None and honorific.start():
            end -= len(honorific[0])
    return start, end


def _told(text: str) -> Iterator[tuple[int, int]]:
    """Yields names that stand beside a title, or behind words that introduce a person."""
    for pattern in (_TITLED, _INTRODUCED, _HONORED):
        for match in pattern.finditer(text):
            if match[1] not in NO_NAMES:
                yield _trimmed(text, *match.span(1))


def _repeated(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yields all places of a name that is long enough to be no other word."""
    is_chinese = re.search(_HAN, name) is not None
    if len(name) < 3 or not (is_chinese or re.search(r"\w\s\w", name)):
        return
    border = ("", "") if is_chinese else (r"(?<!\w)", r"(?!\w)")
    for match in re.finditer(border[0] + re.escape(name) + border[1], text):
        yield match.span()


PERSON = EntityDetector(find_persons)
