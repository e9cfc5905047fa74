"""Cells as text."""

from __future__ import annotations

import math
import re
from typing import Any

_WHOLE = re.compile(r"(-?[0-9]+)\.0+")


def plain_value(value: Any) -> str:
    """Returns a label or a cell as text: 1.0 is 1, as when a table has turned whole numbers into floats."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def whole_number(label: str) -> str:
    """Returns a label that is a whole number with zeros after its point as that number, and any other as it is.

    Tables write whole numbers so where a column may be empty: to pandas it is a column of floats.

    >>> [whole_number(label) for label in ("5.0", "-1.00", "4.5", "v1.0")]
    ['5', '-1', '4.5', 'v1.0']
    """
    found = _WHOLE.fullmatch(label)
    return label if found is None else str(int(found[1]))
