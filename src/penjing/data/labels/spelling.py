"""Labels that are written in more than one way."""

from __future__ import annotations

from collections import Counter

from penjing.data.keys import normalize_text
from penjing.data.labels.finding import Case, Finding, group_rows
from penjing.data.labels.table import LabelTable
from penjing.progress import Progress


def find_spellings(table: LabelTable, progress: Progress) -> Finding:
    """Finds labels that differ only in case, in spaces or in the form of letters: a model takes them for others."""
    ways = [
        (way, row) for row, labels in enumerate(table.raw_labels) if table.labels[row] for way in table.apart(labels)
    ]
    spellings = group_rows(range(len(ways)), (normalize_text(way) for way, _ in ways))
    cases = []
    for places in spellings.values():
        counts = Counter(ways[place][0] for place in places)
        if len(counts) < 2:
            continue
        first = {way: next(row for other, row in map(ways.__getitem__, places) if other == way) for way in counts}
        shown = ", ".join(f'"{way}" ({count:,})' for way, count in counts.most_common())
        cases.append(Case(tuple(table.view(first[way]) for way, _ in counts.most_common()), {"spellings": shown}))
    return Finding("spellings", {"labels": len(cases)}, tuple(cases))
