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
        given: raw label → label, as the recipe of the model names them; they go before all others.
    """

    def __init__(
        self, label_names: Mapping[str, str] | None, labels: Sequence[str], given: Mapping[str, str] | None = None
    ) -> None:
        self._labels, self._names, self._given = labels, label_names or {}, given or {}
        # A model from elsewhere may call negative and positive by other names that the task knows: 差评 and 好评.
        # Where there is a third label, as of 0, 1 and 2, nobody knows what the names mean.
        own = {self._names[label]: label for label in labels if label in self._names}
        self._own = own if len(own) == len(labels) else {}
        self._numbers = {whole_number(label): label for label in labels}
        self._watch = ScaleWatch(label_names, f"Write the model's labels into the rows: {', '.join(labels)}.")

    def name(self, rows: TextRows) -> list[str]:
        """Returns the model's name for the label of each row.

        Raises:
            DataError: a label is not one of the model's, or two do not go together.
        """
        labels = zip(rows.rows, rows.labels, strict=True)
        return [self.find(value, f"{rows.file.name}, row {number}") for number, value in labels]

    def find(self, value: str, where: str) -> str:
        """Returns the name for a raw label: as the recipe names it, itself, or as the task names it; 5.0 is 5.

        Raises:
            DataError: it is not one of the model's, or does not go with one before.
        """
        for raw in (value, whole_number(value)):
            if self._given.get(raw) in self._labels:
                return self._given[raw]
        if value in self._labels:
            return value
        raw = value if value in self._names else whole_number(value)
        self._watch.meet(raw, where)
        known = self._names.get(raw, raw)
        name = self._numbers.get(raw) or self._own.get(known, known)
        if name not in self._labels:
            also = f"; nor one that is named for them: {', '.join(self._given)}" if self._given else ""
            raise DataError(
                f'the label "{value[:40]}" is not one of the model\'s: {", ".join(self._labels)}{also}',
                where=where,
                do="Correct the row, or leave it out.",
            )
        return name
