"""How many rows each label has."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from penjing.data.labels.table import LabelTable


@dataclass(frozen=True)
class LabelCount:
    """The rows of a label.

    Attributes:
        label: the label.
        rows: how many it has.
        share: of all labelled rows.
        splits: how many it has in each split.
    """

    label: str
    rows: int
    share: float
    splits: dict[str, int]


@dataclass(frozen=True)
class Balance:
    """How many rows each label has.

    Attributes:
        labels: from the most frequent on.
        ratio: rows of the most frequent label for each of the rarest; None without labels.
    """

    labels: list[LabelCount]
    ratio: float | None


def weigh_labels(table: LabelTable) -> Balance:
    """Counts the rows of each label; a row with several counts for each."""
    found = [
        (label, split)
        for labels, split in zip(table.labels, table.split.tolist(), strict=True)
        for label in table.apart(labels)
    ]
    counted, by_split = Counter(label for label, _ in found), Counter(found)
    total = sum(map(bool, table.labels))
    labels = [
        LabelCount(label, rows, rows / total, {name: by_split[label, index] for index, name in enumerate(table.splits)})
        for label, rows in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Balance(labels, labels[0].rows / labels[-1].rows if labels else None)
