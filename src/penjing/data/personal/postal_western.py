"""Streets with their numbers, and what stands beside them, as they are written in Latin letters."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CAP = r"[A-ZÀ-ÖØ-Þ][\w'’-]*\.?"
_CAPS = rf"{_CAP}(?:[ \u00a0]{_CAP}){{0,3}}"
_ORDINAL = r"\d{1,3}(?:st|nd|rd|th)"
_SHORT_WORD = "St|Rd|Ave|Blvd|Ln|Dr|Ct|Sq|Pl|Ter|Cres|Hwy|Pkwy|Cir|Trl"
_LONG_WORD = (
    "Street|Road|Avenue|Boulevard|Lane|Drive|Court|Square|Place|Terrace|Way|Close|Crescent|Highway|Parkway|Row|Mews|"
    "Gardens|Grove|Hill|Walk|Alley|Quay|Cottages|Circle|Loop|Trail|Plaza|Wharf|Parade|Esplanade|Rise|Green|Park"
)
_STREET_WORD = (
    rf"(?:(?:{_SHORT_WORD}|{_SHORT_WORD.upper()})\b\.?|(?:{_LONG_WORD}|{_LONG_WORD.upper()}|street|road|avenue|lane)\b)"
)
_DIRECTION = r"(?:NE|NW|SE|SW|[NSEW]|North|South|East|West)"
_STREET = rf"(?:{_DIRECTION}\.? )?(?:{_ORDINAL}|{_CAP}(?:[ ]{_CAP}){{0,2}}?)[ ]{_STREET_WORD}(?:[ ]{_DIRECTION}\b)?"
_NUMBER = r"(?<![\w.,:/$£€#-])\d{1,5}[A-Za-z]?(?:[-–/]\d{1,5}[A-Za-z]?)?"
_BOX = r"P\.? ?O\.? ?Box \d{1,6}"
_UNIT = (
    r"(?:(?:Flat|Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm|Building|Bldg|Block|Level)\b\.? ?#?\d{1,5}[A-Z]?|"
    rf"{_ORDINAL} [Ff]loor|#\d{{1,5}}[A-Z]?)(?!\w)"
)
# Of the United Kingdom, the United States, Canada and Australia.
_POSTCODE = (
    r"(?:[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]{2} \d{5}(?:-\d{4})?|(?:[A-Z]{2} )?[A-Z]\d[A-Z] ?\d[A-Z]\d|"
    r"(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT) \d{4})(?!\w)"
)
_CORE = re.compile(
    rf"{_NUMBER},?[ ]{_STREET}"
    rf"|{_BOX}"
    rf"|{_NUMBER},? {_CAPS}[,\n]\s?{_CAPS},?\s{_POSTCODE}"
    r"|(?<!\w)[A-ZÀ-ÖØ-Þ][\w-]*(?:straße|strasse|str\.|gasse|weg|platz|allee|damm|ufer|straat|laan|gatan|vägen|vej|gade)"
    r" \d{1,4} ?[a-z]?\b"
    rf"|(?<!\w)(?:Via|Viale|Corso|Calle|Avenida|Rua|Piazza|Plaza)(?: (?:de|del|della|dei|di|da|do|la|las|los))* {_CAPS}"
    r",? \d{1,4}\b"
    rf"|{_NUMBER},? (?:bis )?(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|[Qq]uai)(?: (?:de|du|des|la|le|les))* {_CAPS}",
)
# In 2012 Wall Street fell: a year, not a number of a house.
_AFTER_PREPOSITION = re.compile(r"\b(?:in|since|by|until|till|from|of|during|before|after)\s$", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d ")

#: What may come next in an address, behind commas and spaces: a flat, a street, a town that ends there, a postal code.
PARTS_AFTER = re.compile(
    rf"{_UNIT}|{_BOX}|{_POSTCODE}|{_STREET}"
    rf"|{_CAPS},?\s(?:{_POSTCODE}|\d{{4,6}}(?!\w))"
    rf"|\d{{4,6}} {_CAP}(?![\w.])"
    r"|(?:DC|NY|CA|TX|MA|IL|FL|WA|PA|OH|GA|NC|NJ|VA|MI|AZ|CO|TN|IN|MO|MD|WI|MN|OR)(?!\w)"
    rf"|(?<=,\s)[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)?(?=\s*(?:[,;.:!?)]|$))"
)
#: A postal code that cannot be anything else.
POSTCODE = re.compile(rf"(?<!\w){_POSTCODE}")
#: What else may be one right behind a town.
NUMBER_BEHIND = re.compile(r" \d{4,6}(?!\w|[.,]\d)")
#: What may come before.
PARTS_BEFORE = re.compile(rf"(?:{_UNIT}|{_BOX})[\s,]{{0,2}}$")


def find_western_cores(text: str) -> Iterator[tuple[int, int]]:
    """Yields streets with a number, post office boxes, and a number and a name before a town with its postal code."""
    for match in _CORE.finditer(text):
        is_year = (
            _YEAR.match(match[0]) is not None and _AFTER_PREPOSITION.search(text[: match.start()][-12:]) is not None
        )
        if not is_year:
            yield match.span()
