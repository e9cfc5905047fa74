"""Labels that are written in more than one way."""

from __future__ import annotations

from collections import Counter

from penjing.data.keys import normalize_text
from penjing.data.labels.finding import Case, Finding, group_rows
from penjing.data.labels.table import LabelTable
from penjing.progress import Progress


def find_spellings(table: LabelTable, progress: Progress) -> Finding:
    """Finds labels that differ only in case, in spaces or in the form of letters: a model takes them for others."""
    labelled = [row for row, label in enumerate(table.labels) if label]
    spellings = group_rows(labelled, (normalize_text(table.raw_labels[row]) for row in labelled))
    cases = []
    for rows in spellings.values():
        ways = Counter(table.raw_labels[row] for row in rows)
        if len(ways) < 2:
            continue
        first = {way: next(row for row in rows if table.raw_labels[row] == way) for way in ways}
        shown = ", ".join(f'"{way}" ({count:,})' for way, count in ways.most_common())
        cases.append(Case(tuple(table.view(first[way]) for way, _ in ways.most_common()), {"spellings": shown}))
    return Finding("spellings", {"labels": len(cases)}, tuple(cases))
