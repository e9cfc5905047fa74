"""Rows without a text or without a label."""

from __future__ import annotations

from penjing.data.labels.finding import Case, Finding
from penjing.data.labels.table import LabelTable
from penjing.progress import Progress


def find_missing(table: LabelTable, progress: Progress) -> Finding:
    """Finds rows that nothing can learn from as they are."""
    without = [row for row in range(len(table)) if not (table.texts[row] and table.labels[row])]
    counts = {
        "rows": len(without),
        "no_text": sum(not table.texts[row] for row in without),
        "no_label": sum(not table.labels[row] for row in without),
    }
    return Finding("missing", counts, tuple(Case((table.view(row),)) for row in without))
