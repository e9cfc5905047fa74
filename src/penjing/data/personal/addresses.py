"""Addresses under which a person or a machine is reached."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from penjing.data.personal.finding import Span

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_%+-])?"
_HOST = r"(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}"
_EMAIL = re.compile(rf"(?<![A-Za-z0-9_.+-]){_NAME}@{_HOST}(?![A-Za-z0-9-])")
_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", re.ASCII)
_IP6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])", re.ASCII)
_MAC = re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])", re.ASCII)
_DIGITS = re.compile(r"(?:\d[\s().+/-]{0,2}){7}")


def find_emails(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds e-mail addresses (the usual ones of RFC 5322)."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield match.start(), match.end(), match[0].lower()


def find_phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Finds telephone numbers, with a + those of all countries, else those of the regions."""
    import phonenumbers

    if not _DIGITS.search(text):
        return
    for region in regions:
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
        if not (address.is_loopback or address.is_unspecified or address.is_multicast):
            yield match.start(), match.end(), str(address)
    for match in _MAC.finditer(text):
        yield match.start(), match.end(), match[0].replace("-", ":").lower()
