"""The labels of a file under the names that a model gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penjing.data.plain import whole_number
from penjing.data.rows import TextRows
from penjing.data.scale_names import ScaleWatch
from penjing.errors import DataError


class RawLabels:
    """Finds a model's name for each raw label of a file.

    Args:
        label_names: raw label → label, where the task has labels of its own.
        labels: the model's.
    """

    def __init__(self, label_names: Mapping[str, str] | None, labels: Sequence[str]) -> None:
        self._labels, self._names = labels, label_names or {}
        self._numbers = {whole_number(label): label for label in labels}
        self._watch = ScaleWatch(label_names, f"Write the model's labels into the rows: {', '.join(labels)}.")

    def name(self, rows: TextRows) -> list[str]:
        """Returns the model's name for the label of each row: itself, or as the task names it; 5.0 is 5.

        Raises:
            DataError: a label is not one of the model's, or two do not go together.
        """
        return [
            value if value in self._labels else self._find(value, f"{rows.file.name}, row {number}")
            for number, value in zip(rows.rows, rows.labels, strict=True)
        ]

    def _find(self, value: str, where: str) -> str:
        raw = value if value in self._names else whole_number(value)
        self._watch.meet(raw, where)
        name = self._numbers.get(raw) or self._names.get(raw, raw)
        if name not in self._labels:
            raise DataError(
                f'the label "{value[:40]}" is not one of the model\'s: {", ".join(self._labels)}',
                where=where,
                do="Correct the row, or leave it out.",
            )
        return name
