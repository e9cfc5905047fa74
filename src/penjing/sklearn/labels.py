"""Labels of any type, as an estimator is given them, and the names that a model has for them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.errors import DataError, UsageError
from penjing.files import read_json, write_json

_FILE = "classes.json"
_STORED = (str, bool, int, float)


class OneLabelError(DataError, ValueError):
    """All rows have one label; a ValueError too, for scikit-learn expects one there."""


@dataclass(frozen=True)
class Classes:
    """The labels of some rows.

    Attributes:
        values: the labels as they were given, [labels].
        names: their names in the model, [labels].
        numbers: of each row, which label it has, [rows]; empty where there are no rows.
    """

    values: NDArray[Any]
    names: tuple[str, ...]
    numbers: Sequence[int]


def find_classes(labels: Any) -> Classes:
    """Returns the labels of rows, sorted where they can be, else in the order in which they come.

    Args:
        labels: of each row, [rows]: a list, an array, or a pandas, Polars or Arrow column.

    Raises:
        UsageError: a row has none, or one that cannot be a key of a dictionary.
        OneLabelError: all rows have the same.
        ValueError: they are measurements, not labels.
    """
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets

    if labels is None:
        raise UsageError("there are no labels: y is None", where="y", do="Give a label for each text.")
    if isinstance(labels, np.ndarray):
        labels = column_or_1d(labels, warn=True)
        given = labels.tolist() if labels.dtype.kind in "biufUO" else list(labels)
    else:
        given = labels.to_list() if hasattr(labels, "to_list") else list(labels)
    for number, label in enumerate(given, start=1):
        if label is None or label != label or _is_unhashable(label):
            raise UsageError(f"{label!r} is no label", where=f"y, row {number}", do="Give a label, or drop the row.")
    if all(isinstance(label, float) for label in given):
        check_classification_targets(np.asarray(given))
    distinct = list(dict.fromkeys(given))
    if len(distinct) == 1:
        rows = "the 1 row has" if len(given) == 1 else f"all {len(given):,} rows have"
        raise OneLabelError(
            f"{rows} the label {distinct[0]!r}, which is one class; at least two are needed",
            where="y",
            do="Add rows of another label.",
        )
    with suppress(TypeError):  # those of several kinds have no order
        distinct.sort()
    place = {label: number for number, label in enumerate(distinct)}
    kind = labels.dtype if isinstance(labels, np.ndarray) else None
    return Classes(_array(distinct, kind), _names(distinct), [place[label] for label in given])


def write_classes(classes: Classes, folder: Path) -> None:
    """Writes beside a model what its labels were given as.

    Raises:
        UsageError: they are neither texts nor numbers.
    """
    values = classes.values.tolist()
    strange = next((value for value in values if not isinstance(value, _STORED)), None)
    if strange is not None:
        raise UsageError(
            f"a file holds labels that are texts or numbers, and {strange!r} is neither",
            where=str(folder),
            do="Fit with such labels, or keep the estimator with pickle.",
        )
    write_json(folder / _FILE, values)


def read_classes(folder: Path, names: Sequence[str]) -> Classes:
    """Returns the labels of a model as they were given; of one that no estimator has written, its names."""
    values = read_json(folder / _FILE) if (folder / _FILE).is_file() else list(names)
    return Classes(_array(values, None), tuple(names), ())


def _array(values: list[Any], kind: np.dtype[Any] | None) -> NDArray[Any]:
    types = {type(value) for value in values}
    if kind is not None and kind.kind in "biufU":
        return np.array(values, dtype=kind)
    if len(types) == 1 and types <= set(_STORED):
        return np.array(values)
    array = np.empty(len(values), dtype=object)
    for number, value in enumerate(values):  # one by one: a tuple is one label, not a row of an array
        array[number] = value
    return array


def _names(values: Sequence[Any]) -> tuple[str, ...]:
    """Returns the labels as text; where that does not tell them apart, their numbers."""
    names = tuple(str(value) for value in values)
    plain = all(name and name == name.strip() and name.isprintable() for name in names)
    return names if plain and len(set(names)) == len(names) else tuple(str(number) for number in range(len(names)))


def _is_unhashable(label: Any) -> bool:
    try:
        hash(label)
    except TypeError:
        return True
    return False
