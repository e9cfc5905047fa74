"""The same text more than once: with different labels, or with the same."""

from __future__ import annotations

from penjing.data.keys import normalized_keys
from penjing.data.labels.finding import Case, Finding, group_rows
from penjing.data.labels.table import LabelTable
from penjing.progress import Progress


def find_conflicts(table: LabelTable, progress: Progress) -> Finding:
    """Finds texts, equal but for case, punctuation and the form of letters, that have different labels."""
    rows = table.usable().tolist()
    groups = group_rows(rows, normalized_keys(table.texts[row] for row in rows).tolist())
    conflicts = [group for group in groups.values() if len({table.labels[row] for row in group}) > 1]
    cases = tuple(Case(tuple(map(table.view, group))) for group in sorted(conflicts, key=len, reverse=True))
    return Finding("conflicts", {"texts": len(conflicts), "rows": sum(map(len, conflicts))}, cases)


def find_repeats(table: LabelTable, progress: Progress) -> Finding:
    """Finds rows whose text, to the letter, and label an earlier row of the same split has."""
    rows = table.usable().tolist()
    keys = (f"{table.split[row]}\0{table.labels[row]}\0{table.texts[row]}" for row in rows)
    repeated = [group for group in group_rows(rows, keys).values() if len(group) > 1]
    cases = tuple(Case(tuple(map(table.view, group))) for group in sorted(repeated, key=len, reverse=True))
    return Finding("repeats", {"rows": sum(len(group) - 1 for group in repeated), "texts": len(repeated)}, cases)
