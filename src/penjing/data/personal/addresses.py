"""Addresses under which a person or a machine is reached."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from penjing.data.personal.finding import Span
from penjing.errors import UsageError

_NAME = r"[\w%+'’-](?:[\w.%+'’-]{0,62}[\w%+'’-])?"
_HOST = r"(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}"
# Chinese and the like may stand right before an address, and are no part of it.
_EMAIL = re.compile(
    rf"(?<![A-Za-z0-9_.])(?![-'’])(?:(?![\u3040-\u30ff\u3400-\u9fff]){_NAME})@{_HOST}(?![A-Za-z0-9]|-[A-Za-z0-9])"
)
_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)", re.ASCII)
_IP6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?![\w:]|\.\d)", re.ASCII
)
_MAC = re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])", re.ASCII)
_FEWEST_DIGITS = 7
_SHORTEST_ADDRESS = 5  # digits, as in fe80::1; a[1::2] is none


def find_emails(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds e-mail addresses (the usual ones of RFC 5322)."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield match.start(), match.end(), match[0].lower()


def find_phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds telephone numbers, with a + those of all countries, else those of the regions.

    Raises:
        UsageError: there is no such region.
    """
    import phonenumbers

    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return
    unknown = [region for region in regions if region not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise UsageError(
            f"there is no region {', '.join(unknown)}",
            do="Name countries by two capital letters (ISO 3166), such as US.",
        )
    for region in regions or (None,):
        for match in phonenumbers.PhoneNumberMatcher(text, region):
            written = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            yield match.start, match.end, written


def find_network_addresses(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds IPv4, IPv6 and MAC addresses; not those that name no machine, such as 127.0.0.1."""
    for match in (*_IP4.finditer(text), *_IP6.finditer(text)):
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            continue
        if len(match[0].replace(":", "")) < _SHORTEST_ADDRESS:
            continue
        if not (address.is_loopback or address.is_unspecified or address.is_multicast):
            yield match.start(), match.end(), str(address)
    for match in _MAC.finditer(text):
        yield match.start(), match.end(), match[0].replace("-", ":").lower()
