"""Cells that hold several labels, such as ``comedy|war``: whether a column has them, and one cell taken apart."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable

#: What may stand between two labels, the likeliest first.
SEPARATORS = ("|", ";", "；", "、", ",", "，")
_FEWEST_ROWS = 0.02  # share of the filled cells that hold the sign
_SHARED = 0.5  # of the labels in such cells more than this share are in other cells too

_ITEM = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|-?\d+(?:\.\d+)?)(?=[\s,\]])[\s,]*""", re.DOTALL)


def written_list(cell: str) -> list[str] | None:
    """Returns the items of a list that a cell of text holds as JSON, Python or NumPy writes it; None: it holds none.

    So tables write lists that are saved as CSV: ``['war', 'comedy']``.

    >>> written_list("['war', 'comedy']"), written_list('["it\\'s", 3]'), written_list("[]"), written_list("[war]")
    (['war', 'comedy'], ["it's", '3'], [], None)
    """
    text = cell.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    items: list[str] = []
    place, end = 1, len(text) - 1
    while place < end:
        found = _ITEM.match(text, place)
        if found is None:
            return None if text[place:end].strip() else items
        items.append(_unquoted(found[1]))
        place = found.end()
    return [item for item in items if item]


def _unquoted(item: str) -> str:
    if item.startswith('"'):
        try:
            return str(json.loads(item)).strip()
        except ValueError:  # Python's, with an escape that JSON does not have
            pass
    return re.sub(r"\\(.)", r"\1", item[1:-1]).strip() if item[0] in "'\"" else item


def split_labels(cell: str, separator: str) -> list[str]:
    """Returns the labels of a cell, each once, in the order of the cell; a list that is written in it is one."""
    items = written_list(cell)
    parts = items if items is not None else (part.strip() for part in cell.split(separator))
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
