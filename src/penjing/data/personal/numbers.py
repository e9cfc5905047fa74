"""Numbers that are given to persons, each with the check that its issuer defined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from penjing.data.personal.finding import Span

# With a letter or digit of ASCII on either side it is a part of something else; a Chinese character may stand there.
_BEFORE, _AFTER = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_CARD = re.compile(rf"{_BEFORE}[2-6]\d{{3}}(?:[ \u00a0-]?\d{{2,6}}){{2,5}}{_AFTER}")
_IBAN = re.compile(
    rf"{_BEFORE}[A-Z]{{2}}\d{{2}}(?:[ \u00a0]?[0-9A-Z]{{4}}){{2,7}}(?:[ \u00a0]?[0-9A-Z]{{1,3}})?{_AFTER}"
)
_GROUP_END = re.compile(r"[ \u00a0-](?=[0-9A-Z]+$)")
_RESIDENT = re.compile(rf"{_BEFORE}[1-9]\d{{5}}(?:19|20)\d{{2}}[01]\d[0-3]\d\d{{3}}[0-9Xx]{_AFTER}")
_US_SSN = re.compile(rf"{_BEFORE}\d{{3}}-\d{{2}}-\d{{4}}{_AFTER}")
_CODICE = re.compile(rf"{_BEFORE}[A-Z]{{6}}\d{{2}}[A-Z]\d{{2}}[A-Z]\d{{3}}[A-Z]{_AFTER}")
_DNI = re.compile(rf"{_BEFORE}(?:\d{{8}}-?[A-HJ-NP-TV-Z]|[XYZ]-?\d{{7}}-?[A-HJ-NP-TV-Z]){_AFTER}")
_PASSPORT = re.compile(
    r"(?:passport|护照)[^0-9A-Za-z]{0,4}(?:no\.?|number|号码?|号)?[^0-9A-Za-z]{0,4}([A-Z]{0,2}\d{7,10})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_CARD_LENGTHS = range(13, 20)


def find_cards(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds numbers of bank cards: 13 to 19 digits, by their beginning and check digit (ISO/IEC 7812-1, Luhn)."""
    from stdnum import luhn

    for match in _CARD.finditer(text):
        for written in _shortened(match[0]):
            digits = re.sub(r"\D", "", written)
            if len(digits) in _CARD_LENGTHS and luhn.is_valid(digits):
                yield match.start(), match.start() + len(written), digits
                break


def find_ibans(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds international bank account numbers (ISO 13616)."""
    from stdnum import iban

    for match in _IBAN.finditer(text):
        for written in _shortened(match[0]):
            number = written.replace("\u00a0", " ")
            if iban.is_valid(number):
                yield match.start(), match.start() + len(written), iban.compact(number)
                break


def find_residents(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds Chinese resident identity numbers (GB 11643-1999), by birth date, place and check digit."""
    from stdnum.cn import ric

    yield from _checked(_RESIDENT, ric.is_valid, text)


def find_social_security_numbers(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds social security numbers of the United States, written with hyphens."""
    from stdnum.us import ssn

    yield from _checked(_US_SSN, ssn.is_valid, text)


def find_tax_numbers(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds Italian (codice fiscale) and Spanish (DNI, NIE) personal numbers, by their check letters."""
    from stdnum.es import dni, nie
    from stdnum.it import codicefiscale

    yield from _checked(_CODICE, codicefiscale.is_valid, text)
    yield from _checked(_DNI, lambda number: bool(dni.is_valid(number) or nie.is_valid(number)), text)


def find_passports(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds numbers of passports where the word stands before them; they have no check digit."""
    for match in _PASSPORT.finditer(text):
        yield match.start(1), match.end(1), match[1].upper()


def _shortened(written: str) -> Iterator[str]:
    """Yields a number as it is written, then without its last group, and so on: what follows may look like a part."""
    while True:
        yield written
        border = _GROUP_END.search(written)
        if border is None:
            return
        written = written[: border.start()]


def _checked(pattern: re.Pattern[str], is_valid: object, text: str) -> Iterator[Span]:
    assert callable(is_valid)
    for match in pattern.finditer(text):
        if is_valid(match[0]):
            yield match.start(), match.end(), match[0].replace("-", "").upper()
