"""Cells as text."""

from __future__ import annotations

import math
from typing import Any


def plain_value(value: Any) -> str:
    """Returns a label or a cell as text: 1.0 is 1, as when a table has turned whole numbers into floats."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
