"""Names that a task itself has for raw labels, and raw labels that one file does not mean the same by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from penjing.errors import DataError


class ScaleNames(dict[str, str]):
    """Raw label → name.

    Args:
        names: them.
        apart: raw labels with one name that are two labels where both occur: 0 is negative beside 1, and neutral
            between -1 and 1.
    """

    def __init__(self, names: Mapping[str, str], apart: Iterable[str]) -> None:
        super().__init__(names)
        self.apart = tuple(apart)


def has_labels_apart(names: Mapping[str, str] | None, labels: Iterable[str]) -> bool:
    """Returns whether labels that are kept apart stand side by side."""
    return isinstance(names, ScaleNames) and len(set(names.apart) & set(labels)) > 1


class ScaleWatch:
    """Refuses rows in which labels occur that are kept apart.

    Args:
        names: of the task; None, or others than `ScaleNames`: nothing is refused.
        do: what an error advises.
    """

    def __init__(self, names: object, do: str) -> None:
        self._apart = names.apart if isinstance(names, ScaleNames) else ()
        self._names = names if isinstance(names, ScaleNames) else {}
        self._do = do
        self._met: dict[str, None] = {}

    def meet(self, raw: str, where: str) -> None:
        """Takes note of a label.

        Raises:
            DataError: it is kept apart from one that was met before.
        """
        if raw not in self._apart or raw in self._met:
            return
        self._met[raw] = None
        if len(self._met) > 1:
            other = next(iter(self._met))
            what = f'the label "{raw}" stands beside "{other}", and each alone is {self._names[raw]}'
            raise DataError(what, where=where, do=self._do)
