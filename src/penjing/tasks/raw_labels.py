"""The labels of a file under the names that a model gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penjing.data.rows import TextRows
from penjing.data.scale_names import ScaleWatch
from penjing.errors import DataError


def watch_labels(label_names: Mapping[str, str] | None, labels: Sequence[str]) -> ScaleWatch:
    """Returns what refuses raw labels of a file that do not go together; it is given to `name_labels`."""
    return ScaleWatch(label_names, f"Write the model's labels into the rows: {', '.join(labels)}.")


def name_labels(
    rows: TextRows, label_names: Mapping[str, str] | None, labels: Sequence[str], watch: ScaleWatch
) -> list[str]:
    """Returns the model's name for each raw label, by the task's own names where the model does not use the raw one.

    Args:
        rows: with labels.
        label_names: raw value → label, where the task has labels of its own.
        labels: the model's.
        watch: of the file, see `watch_labels`.

    Raises:
        DataError: a label is not one of the model's, or two do not go together.
    """
    names = []
    for number, value in zip(rows.rows, rows.labels, strict=True):
        name = value if value in labels or label_names is None else label_names.get(value, value)
        if value not in labels:
            watch.meet(value, f"{rows.file.name}, row {number}")
        if name not in labels:
            raise DataError(
                f'the label "{value[:40]}" is not one of the model\'s: {", ".join(labels)}',
                where=f"{rows.file.name}, row {number}",
                do="Correct the row, or leave it out.",
            )
        names.append(name)
    return names
