"""Cells that hold several labels, such as ``comedy|war``: whether a column has them, and one cell taken apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

#: What may stand between two labels, the likeliest first.
SEPARATORS = ("|", ";", "；", "、", ",", "，")
_FEWEST_ROWS = 0.02  # share of the filled cells that hold the sign
_SHARED = 0.5  # of the labels in such cells more than this share are in other cells too


def split_labels(cell: str, separator: str) -> list[str]:
    """Returns the labels of a cell, each once, in the order of the cell."""
    parts = (part.strip() for part in cell.split(separator))
    return list(dict.fromkeys(part for part in parts if part))


def join_labels(cell: str, separator: str) -> str:
    """Returns a cell with its labels in order, so that the same labels are the same text."""
    return separator.join(sorted(split_labels(cell, separator)))


def likely_separator(cells: Iterable[str]) -> str | None:
    """Returns what seems to stand between the labels of a column; None where each cell seems to hold one.

    Several are where the labels that a sign parts come again in other cells: ``a|b`` beside ``a``, or ``b|c``; a label
    with a comma in it, as ``yes, please``, is one. It is a guess.
    """
    counts = Counter(cell for cell in cells if cell)
    rows = counts.total()
    for sign in SEPARATORS:
        apart = {cell: split_labels(cell, sign) for cell in counts}
        joined = [cell for cell, labels in apart.items() if len(labels) > 1]
        if sum(counts[cell] for cell in joined) < max(1, _FEWEST_ROWS * rows):
            continue
        of_cells = Counter(label for labels in apart.values() for label in labels)
        found = {label for cell in joined for label in apart[cell]}
        if sum(of_cells[label] > 1 for label in found) > _SHARED * len(found):
            return sign
    return None
