"""Whether there are rows enough: checks over a whole data set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from penjing.data.rows import RowReader
from penjing.data.splitting import SPLITS
from penjing.errors import DataError

_MAX_LABELS = 10_000
_FEWEST = 2


def check_any(reader: RowReader, rows: int, where: str) -> None:
    """Refuses files of which no row is left.

    Raises:
        DataError: it says which values the columns of ``where`` have.
    """
    if rows:
        return
    if not reader.rules.where:
        raise DataError("there is no row", where=where, do="Put rows into it, or name another file.")
    wanted = ", ".join(f'{column} = "{value}"' for column, value in reader.rules.where.items())
    found = "; ".join(f"{column}: {', '.join(values) or 'nothing'}" for column, values in reader.seen.items())
    raise DataError(
        f"no row is left with {wanted}", where=where, do=f"Values found in {found}. Correct where under [data]."
    )


def check_label_count(labels: int, column: str, where: str) -> None:
    """Refuses a column with so many values that it cannot be one of labels.

    Raises:
        DataError: there are more than 10,000.
    """
    if labels > _MAX_LABELS:
        raise DataError(
            f'column "{column}" has more than {_MAX_LABELS:,} different values, so it holds no labels',
            where=where,
            do="Name the column of the labels with label under [data].",
        )


def check_labels(label_rows: Sequence[int], names: Sequence[str], where: str) -> None:
    """Refuses training rows of one label only.

    Args:
        label_rows: rows of each label, [labels].
        names: the labels, [labels].
        where: names the files.

    Raises:
        DataError: there is one label.
    """
    present = [name for name, count in zip(names, label_rows, strict=True) if count]
    if len(present) == 1:
        raise DataError(
            f'all {sum(label_rows):,} rows have the label "{present[0]}"; at least two labels are needed',
            where=where,
            do="Add rows of another label, or name another column with label under [data].",
        )


def check_quotas(
    quotas: Sequence[Sequence[int]],
    names: Sequence[str],
    shares: Sequence[Fraction],
    given: set[str],
    where: str,
    unit: str = "row",
) -> None:
    """Refuses rows so few that a split, or the training rows of a label, would be too small.

    There may be no test rows where none are asked for: whoever measures has them elsewhere.

    Args:
        quotas: rows of each label for each split, [labels][splits].
        names: the labels, [labels]; one that is empty where there are none.
        shares: of the splits among the training files.
        given: the splits that have files of their own, or may be without rows.
        where: names the files.
        unit: what is drawn: a row, or a text with all its rows.

    Raises:
        DataError: it says how many rows there are, and how many are needed.
    """
    total = sum(map(sum, quotas))
    for index, split in enumerate(SPLITS[1:], start=1):
        if sum(quota[index] for quota in quotas) or (not shares[index] and split in given):
            continue
        if not shares[index]:
            raise DataError(
                f"there is no {split} file, and its share of the rows is 0",
                where=where,
                do=f"Set {split} under [data.split], or give a file with {split} under [data].",
            )
        needed, of_labels, of_one = math.ceil(1 / (2 * shares[index])), f" of {len(names)} labels", " of a label"
        if names == [""]:
            of_labels = of_one = ""
        raise DataError(
            f"with {_count(total, unit)}{of_labels} there would be none for {split}",
            where=where,
            do=f"At least {needed} {unit}s{of_one} are needed. Add {unit}s, raise {split} under [data.split], "
            f"or give a file with {split} under [data].",
        )
    _check_training([quota[0] for quota in quotas], names, _count(total, unit), where, f"Add {unit}s.")


def check_drawn(per_class: int, label_rows: Sequence[int], names: Sequence[str], where: str) -> None:
    """Refuses a draw of more rows of each label than a label has.

    Args:
        per_class: rows of each label that are drawn.
        label_rows: training rows of each label, [labels].
        names: the labels, [labels].
        where: names the files.

    Raises:
        DataError: it names the label that has the fewest.
    """
    fewest, name = min(zip(label_rows, names, strict=True))
    if fewest < per_class:
        raise DataError(
            f'per_class is {per_class}, and for training there are {_count(fewest, "row")} with the label "{name}", '
            "without duplicates and texts that are measured on",
            where=where,
            do=f'Lower per_class under [data], or add rows with the label "{name}".',
        )


def check_counts(splits: Mapping[str, Mapping[str, Any]], where: str, optional: frozenset[str] = frozenset()) -> None:
    """Checks what is left once overlap is removed.

    Args:
        splits: rows of each split, and rows by label where there are any.
        where: names the files.
        optional: the splits that may be without rows.

    Raises:
        DataError: a split is empty, or a label has too few training rows.
    """
    for split, counts in splits.items():
        if not counts["rows"] and split not in optional:
            raise DataError(
                f"no {split} row is left: the text of every one is also in the rows it is measured on, or contains one",
                where=where,
                do=f"Give other rows for {split}.",
            )
    labels = splits["train"].get("labels", {"": splits["train"]["rows"]})
    total = _count(sum(counts["rows"] for counts in splits.values()), "row")
    _check_training(list(labels.values()), list(labels), total, where, "Add rows.")


def _check_training(label_rows: Sequence[int], names: Sequence[str], total: str, where: str, do: str) -> None:
    for name, count in zip(names, label_rows, strict=True):
        if count < _FEWEST and not name:
            raise DataError(
                f"of {total}, {count} would be left for training; at least {_FEWEST} are needed",
                where=where,
                do=do,
            )
        if count < _FEWEST:
            raise DataError(
                f'of {total}, {count} with the label "{name}" would be left for training; '
                f"at least {_FEWEST} are needed",
                where=where,
                do=f'Add rows with the label "{name}", or leave that label out.',
            )


def _count(count: int, unit: str) -> str:
    return f"1 {unit}" if count == 1 else f"{count:,} {unit}s"
