"""Times as people write them into tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?=$|[T ])")
_NUMBER = re.compile(r"\d{9,13}(\.\d*)?")
_MILLISECONDS_FROM = 1e11  # as seconds, the year 5138


def parse_time(value: str) -> datetime | None:
    """Returns the moment that a cell names; None where it names none.

    Read are ISO 8601 (also ``2026/3/2 14:05``), and seconds or milliseconds since 1970. What has no zone is UTC.

    >>> parse_time("2026/3/2").isoformat()
    '2026-03-02T00:00:00+00:00'
    """
    if not value or not value[0].isdigit():
        return None
    if _NUMBER.fullmatch(value):
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds >= _MILLISECONDS_FROM else seconds, UTC)
    date = _DATE.match(value)
    if date is None:
        return None
    year, month, day = date.groups()
    try:
        moment = datetime.fromisoformat(f"{year}-{month:>02}-{day:>02}{value[date.end() :]}")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
