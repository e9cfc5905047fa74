"""Cells that hold labels: what they become, and which are refused, repaired or left out, by the rules of a recipe."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from penjing.data.labels.several import written_list
from penjing.data.plain import plain_value, whole_number
from penjing.data.scale_names import ScaleWatch
from penjing.data.sources import Batch
from penjing.errors import DataError

Spelling: TypeAlias = Literal["refuse", "repair", "keep"]
_SHOWN = 12
_APART = (
    'Set task = "classify", which keeps all labels; or name each raw label under [data.labels], such as '
    '"0" = "neutral".'
)
_YES, _NO = frozenset({"1", "true"}), frozenset({"0", "false"})


@dataclass(frozen=True)
class LabelRules:
    """Where a row's labels are, and which will do.

    Attributes:
        columns: of the labels; of several, each is named as its label, and holds 0 or 1.
        names: name of each raw label, or the labels allowed; None: any.
        spelling: what is done with labels that differ from others only in case, spaces or the form of letters.
        unknown: what is done with a label that ``names`` does not have.
        empty: what is done with a row that has no label.
        separator: stands between the labels of a cell of text; None: none does.
    """

    columns: tuple[str, ...]
    names: Mapping[str, str] | tuple[str, ...] | None = None
    spelling: Spelling = "refuse"
    unknown: Literal["refuse", "drop"] = "refuse"
    empty: Literal["refuse", "drop", "keep"] = "refuse"
    separator: str | None = None


def fold_label(label: str) -> str:
    """Returns what labels share that differ only in case, in spaces or in the form of letters (NFKC).

    >>> fold_label("Very  good") == fold_label("very good") == fold_label("ＶＥＲＹ ｇｏｏｄ")
    True
    """
    return "".join(unicodedata.normalize("NFKC", label).casefold().split())


class LabelCells:
    """Reads the labels of rows.

    Args:
        rules: where they are, and which will do.

    Attributes:
        counts: of this and all rows before: rows left out because they are ``unlabelled`` or their label ``unknown``,
            ``unknown_labels`` left out of rows that have several, and labels ``respelled``.
    """

    def __init__(self, rules: LabelRules) -> None:
        self.rules = rules
        self.counts: Counter[str] = Counter()
        names = rules.names
        raw = names if isinstance(names, Mapping) else {name: name for name in names or ()}
        self._names = None if names is None else dict(raw)
        self._watch = ScaleWatch(names, _APART)
        self._folded = _unique_folds(self._names or {})
        self._cells: Callable[[Batch, int], list[str]] = self._flags if len(rules.columns) > 1 else self._list

    def one(self, batch: Batch, index: int) -> str | None:
        """Returns the label of a row; None where the row is left out.

        Raises:
            DataError: there is none, or one that is not known, and it is to be refused.
        """
        column = self.rules.columns[0]
        raw = plain_value(batch.columns[column][index])
        if not raw:
            self._miss(f'column "{column}" is empty', batch, index)
            return None
        name = self._named(raw, column, batch, index)
        self.counts["unknown"] += name is None
        return name

    def several(self, batch: Batch, index: int) -> tuple[str, ...] | None:
        """Returns the labels of a row, each once, in the order of the cell; None where the row is left out.

        A label that is unknown is left out, and not the row; what is then a row without labels counts as such.

        Raises:
            DataError: there is none, or one that is not known, and it is to be refused; or the cell holds no labels.
        """
        cells = self._cells(batch, index)
        found = [self._named(raw, self._column(raw), batch, index) for raw in cells]
        self.counts["unknown_labels"] += sum(name is None for name in found)
        labels = tuple(dict.fromkeys(name for name in found if name is not None))
        if not labels and self.rules.empty != "keep":
            self._miss("there is no label", batch, index)
            return None
        return labels

    def _column(self, raw: str) -> str:
        return raw if len(self.rules.columns) > 1 else self.rules.columns[0]

    def _miss(self, what: str, batch: Batch, index: int) -> None:
        if self.rules.empty == "refuse":
            raise DataError(
                what,
                where=batch.place(index),
                do='Add the label, or remove the row; in a recipe, empty_label = "drop" under [data] does so.',
                setting=("empty_label", "drop"),
            )
        self.counts["unlabelled"] += 1

    def _named(self, raw: str, column: str, batch: Batch, index: int) -> str | None:
        if self._names is None:
            return raw
        if raw not in self._names and whole_number(raw) in self._names:
            raw = whole_number(raw)
        self._watch.meet(raw, batch.place(index))
        if raw in self._names:
            return self._names[raw]
        near = self._folded.get(fold_label(raw))
        if near is not None and self.rules.spelling == "repair":
            self.counts["respelled"] += 1
            return near
        if self.rules.unknown == "drop" and (near is None or self.rules.spelling == "keep"):
            return None
        known = list(self._names)
        shown = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")
        hint = "" if near is None else f' Or take it for "{near}": spelling = "repair" under [data].'
        raise DataError(
            f'column "{column}" is "{raw[:40]}"; the labels are {shown}',
            where=batch.place(index),
            do=f"Correct the row, or add the label to [data] labels.{hint}",
        )

    def _flags(self, batch: Batch, index: int) -> list[str]:
        """Returns the columns that hold a 1."""
        found = []
        for column in self.rules.columns:
            value = plain_value(batch.columns[column][index]).lower()
            if value not in _YES | _NO:
                raise DataError(
                    f'column "{column}" is "{value[:40]}"; a column of a label is 0 or 1',
                    where=batch.place(index),
                    do="Correct the row, or name other columns with label under [data].",
                )
            if value in _YES:
                found.append(column)
        return found

    def _list(self, batch: Batch, index: int) -> list[str]:
        """Returns the items of a list, also of one that is written as text, or the parts of a text."""
        column = self.rules.columns[0]
        value = batch.columns[column][index]
        if isinstance(value, list | tuple):
            return [name for name in map(plain_value, value) if name]
        if isinstance(value, dict):
            raise DataError(
                f'column "{column}" is an object, which is no list of labels',
                where=batch.place(index),
                do="Name another column with label under [data].",
            )
        text = plain_value(value)
        items = written_list(text)
        if items is not None:
            return items
        if text and self.rules.separator is None:
            raise DataError(
                f'column "{column}" is the text "{text[:40]}", and nothing says what stands between its labels',
                where=batch.place(index),
                do='Say so: separator = "|" under [data], or --separator "|" on the command line; for one label a row, '
                "use the task classify.",
            )
        return [name for part in text.split(self.rules.separator) if (name := part.strip())] if text else []


class LabelNumbers:
    """Numbers labels as they are met, and watches how they are spelled.

    Args:
        given: labels in order, where they are known before; they are spelled as they are.
        spelling: what is done with labels that differ only in case, spaces or the form of letters.

    Attributes:
        has_order: whether the labels were given.
    """

    def __init__(self, given: Sequence[str] | None, spelling: Spelling) -> None:
        self.has_order = given is not None
        self._spelling = "keep" if self.has_order else spelling
        self._numbers: dict[str, int] = {}
        self._first: dict[str, str] = {}  # folded → the spelling that was met first
        self._rows: Counter[str] = Counter()
        self._count = 0
        for name in dict.fromkeys(given or ()):
            self._add(name)

    def __len__(self) -> int:
        return self._count

    def number(self, label: str, file: str, row: int) -> int:
        """Returns the number of a label; file and row are named in an error.

        Raises:
            DataError: another label differs from it only in its spelling, and that is to be refused.
        """
        self._rows[label] += 1
        known = self._numbers.get(label)
        return self._meet(label, f"{file}, row {row:,}") if known is None else known

    def names(self) -> list[str]:
        """Returns the labels in the order of their numbers, each in its most frequent spelling."""
        best: dict[int, str] = {}
        for name, number in self._numbers.items():
            if number not in best or self._rows[name] > self._rows[best[number]]:
                best[number] = name
        return [best[number] for number in sorted(best)]

    @property
    def respelled(self) -> int:
        """How many labels were spelled in another way than they are now."""
        return sum(self._rows.values()) - sum(self._rows[name] for name in self.names())

    def _meet(self, label: str, where: str) -> int:
        if self._spelling == "keep":
            return self._add(label)
        other = self._first.setdefault(fold_label(label), label)
        if other != label and self._spelling == "refuse":
            raise DataError(
                f'the label "{label[:40]}" differs from "{other[:40]}" only in case or spaces',
                where=where,
                do='Correct one of the two; or set spelling under [data]: "repair" takes the more frequent spelling '
                'for both, "keep" takes them for two labels.',
                setting=("spelling", "repair"),
            )
        if other == label:
            return self._add(label)
        self._numbers[label] = self._numbers[other]
        return self._numbers[label]

    def _add(self, label: str) -> int:
        self._numbers[label] = self._count
        self._count += 1
        return self._numbers[label]


def _unique_folds(names: Mapping[str, str]) -> dict[str, str]:
    """Returns folded raw label → name, without those that stand for several."""
    folds: dict[str, set[str]] = {}
    for raw, name in _with_names(names):
        folds.setdefault(fold_label(raw), set()).add(name)
    return {fold: found.pop() for fold, found in folds.items() if len(found) == 1}


def _with_names(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields raw labels, and the names themselves, with their names."""
    for raw, name in names.items():
        yield raw, name
        yield name, name
