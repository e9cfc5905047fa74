"""Labelled rows as they stand in their files, good and bad ones: what the checks look at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penjing.data.column_names import are_of_events
from penjing.data.keys import text_ids
from penjing.data.label_settings import LabelledData, MultilabelData
from penjing.data.labels.schema import Column, describe_columns, say_candidates
from penjing.data.labels.several import join_labels, split_labels
from penjing.data.plain import plain_value, whole_number
from penjing.data.rows import cell_test
from penjing.data.sources import Layout, group_by_split, read_file, source_files
from penjing.data.sources.columns import list_columns
from penjing.data.splitting import SPLITS
from penjing.errors import DataError, RecipeError
from penjing.progress import Progress, stop_if_asked

#: The name of the one split of rows that are not split.
WHOLE = "all"


@dataclass(frozen=True)
class TableRules:
    """Which columns are looked at, and how the files are read.

    Attributes:
        text: column of the text.
        label: column of the label; None reads none.
        group: column of what must not stand on both sides of a split, such as an author; None reads none.
        time: column of the time of a row; None reads none.
        where: keep only the rows whose column has this value.
        names: name of each raw label; one that is not in it stands for itself.
        layout: how the files are read.
        separator: stands between the labels of a row that may have several; None: a row has one.
        known: raw labels; 5.0 is 5 where 5 is one of them and 5.0 is none, as in a run. None: 5.0 is always 5.
    """

    text: str = "text"
    label: str | None = "label"
    group: str | None = None
    time: str | None = None
    where: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    separator: str | None = None
    known: Collection[str] | None = ()

    @property
    def columns(self) -> list[str]:
        """The columns that are read."""
        wanted = [self.text, self.label, self.group, self.time, *self.where]
        return list(dict.fromkeys(name for name in wanted if name))


@dataclass(frozen=True)
class RowView:
    """A row to look at.

    Attributes:
        id: of its text; equal for equal texts.
        file: name of its file.
        row: its number there, as a spreadsheet shows it.
        split: train, validation, test, or `WHOLE`.
        label: empty where there is none.
        text: all of it.
    """

    id: str
    file: str
    row: int
    split: str
    label: str
    text: str


@dataclass(frozen=True)
class LabelTable:
    """Labelled rows in memory.

    Attributes:
        files: their names.
        splits: train, validation and test as far as they are there, or `WHOLE` alone.
        columns: what is in the files, whether it is read or not.
        texts: [rows]; empty where there is none.
        raw_labels: as they are written, spaces around them too, [rows].
        labels: their names, [rows]; empty where there is none; several in order, with ``separator`` between them.
        split: which of ``splits``, [rows].
        file: which of ``files``, [rows].
        row: number of each in its file, [rows].
        groups: [rows]; None where no column was named.
        times: as they are written, [rows]; None where no column was named.
        separator: stands between the labels of a row; None: each row has one.
    """

    files: list[str]
    splits: list[str]
    columns: list[Column]
    texts: list[str]
    raw_labels: list[str]
    labels: list[str]
    split: NDArray[np.int64]
    file: NDArray[np.int64]
    row: NDArray[np.int64]
    groups: list[str] | None
    times: list[str] | None
    separator: str | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def view(self, index: int) -> RowView:
        """Returns a row to be shown."""
        text = self.texts[index]
        place = (self.files[self.file[index]], int(self.row[index]), self.splits[self.split[index]])
        return RowView(text_ids([text])[0], *place, self.labels[index], text)

    def name_row(self, index: int) -> str:
        """Names a row for an error."""
        return f"{self.files[self.file[index]]}, row {self.row[index]:,}"

    def apart(self, labels: str) -> list[str]:
        """Returns the labels of a row, given as ``labels`` or ``raw_labels`` have them; none where it has none."""
        if self.separator is not None:
            return split_labels(labels, self.separator)
        return [labels] if labels else []

    def usable(self) -> NDArray[np.int64]:
        """Returns the rows with a text and a label, [rows]."""
        found = [bool(text and label) for text, label in zip(self.texts, self.labels, strict=True)]
        return np.flatnonzero(found)


def split_files(address: str) -> dict[str, list[Path]]:
    """Returns the files of an address by split; those of no split are one, `WHOLE`.

    Raises:
        RecipeError: there is no such file.
    """
    files = source_files(address)
    groups = group_by_split(files) if len(files) > 1 else {}
    return {split: groups[split] for split in SPLITS if split in groups} or {WHOLE: files}


def rules_of(settings: LabelledData | MultilabelData, group: str | None, time: str | None) -> TableRules:
    """Returns what a recipe's ``[data]`` says of its rows; of several labels, of one column of them."""
    if isinstance(settings, MultilabelData):
        rules = TableRules(settings.text, settings.label_columns[0], group, time, settings.where, {}, settings.layout)
        return replace(rules, separator=settings.separator, known=settings.labels or ())
    names = settings.labels if isinstance(settings.labels, dict) else {}
    rules = TableRules(settings.text, settings.label, group, time, settings.where, names, settings.layout)
    return replace(rules, known=settings.labels or ())


def read_table(files: Mapping[str, Sequence[Path]], rules: TableRules, progress: Progress) -> LabelTable:
    """Reads all rows, good and bad.

    Args:
        files: of each split.
        rules: which columns are looked at.
        progress: told how far the reading is.

    Raises:
        RecipeError: a column is missing; the error says which look like what is asked for.
        DataError: a file cannot be used, or there is no row.
        Interrupted: the user asked to stop.
    """
    every = [file for group in files.values() for file in group]
    columns = describe_columns(every, rules.layout)
    _refuse_events(every[0], columns, rules.text)
    for file in every:
        _check_columns(file, columns, rules)
    reading = _Reading(rules)
    with progress.bar("reading", sum(file.stat().st_size for file in every), "bytes") as bar:
        for split, group in enumerate(files.values()):
            for file in group:
                for batch in read_file(file, rules.columns, rules.layout):
                    stop_if_asked(progress)
                    reading.add(split, batch)
                    bar.advance(batch.consumed)
    if not reading.texts:
        which = f" with {', '.join(f'{k} = {plain_value(v)!r}' for k, v in rules.where.items())}" if rules.where else ""
        raise DataError(f"there is no row{which}", where=every[0].name, do="Put rows into it, or name another file.")
    return reading.table(list(files), columns)


def _refuse_events(file: Path, columns: Sequence[Column], text: str) -> None:
    """Refuses events of users with items where no text is among their columns.

    Raises:
        DataError: with what can be done with them.
    """
    kinds = {column.name: column for column in columns}
    asked = kinds.get(text)
    has_text = any(column.looks_like == "text" for column in columns) or (asked is not None and asked.kind == "text")
    if are_of_events(kinds) and not has_text:
        raise DataError(
            "these are events of users with items, and hold no text that could have a label",
            where=file.name,
            do=f"penjing new recommend --data {file.name} writes a recipe for them, and penjing plan counts what is "
            "wrong with them. What describes the items stands in their own table.",
        )


def _check_columns(file: Path, columns: Sequence[Column], rules: TableRules) -> None:
    known = list_columns(file, rules.layout)
    for name in rules.columns if known else ():
        if name not in known:
            shown = ", ".join(column if len(column) <= 40 else column[:39] + "…" for column in known[:20])
            hint = "" if rules.layout.columns else "If the file has no header line, name them: --columns text,label."
            do = " ".join(part for part in (f"Its columns are: {shown}.", say_candidates(columns), hint) if part)
            raise RecipeError(f'there is no column "{name}"', where=file.name, do=do)


class _Reading:
    """Rows as they come in."""

    def __init__(self, rules: TableRules) -> None:
        self.rules = rules
        self.files: list[str] = []
        self.texts: list[str] = []
        self.raw_labels: list[str] = []
        self.labels: list[str] = []
        self.groups: list[str] = []
        self.times: list[str] = []
        self.places: list[tuple[int, int, int]] = []
        self._tests = {column: cell_test(value) for column, value in rules.where.items()}

    def add(self, split: int, batch: Any) -> None:
        if not self.files or self.files[-1] != batch.file.name:
            self.files.append(batch.file.name)
        rules, columns = self.rules, batch.columns
        for index, row in enumerate(batch.rows):
            if not all(test(columns[column][index]) for column, test in self._tests.items()):
                continue
            text = columns[rules.text][index]
            if text is not None and not isinstance(text, str):
                raise DataError(
                    f'column "{rules.text}" is {str(text)[:40]!r}, which is no text',
                    where=batch.place(index),
                    do="Correct the row, or name another column with --text.",
                )
            label = columns[rules.label][index] if rules.label else None
            name = plain_value(label)
            self.texts.append(text if text and not text.isspace() else "")
            self.raw_labels.append(label if isinstance(label, str) else name)
            self.labels.append(_named(rules, name))
            self.places.append((split, len(self.files) - 1, row))
            for column, into in ((rules.group, self.groups), (rules.time, self.times)):
                if column:
                    into.append(plain_value(columns[column][index]))

    def table(self, splits: list[str], columns: list[Column]) -> LabelTable:
        split, file, row = np.array(self.places, dtype=np.int64).T
        return LabelTable(
            self.files,
            splits,
            columns,
            self.texts,
            self.raw_labels,
            self.labels,
            split,
            file,
            row,
            self.groups if self.rules.group else None,
            self.times if self.rules.time else None,
            self.rules.separator,
        )


def _named(rules: TableRules, cell: str) -> str:
    """Returns the label of a cell by its name, or its labels in order."""
    if rules.separator is None:
        raw = _known(rules, cell)
        return rules.names.get(raw, raw)
    apart = [_known(rules, raw) for raw in split_labels(cell, rules.separator)]
    return join_labels(rules.separator.join(apart), rules.separator)


def _known(rules: TableRules, raw: str) -> str:
    if rules.known is None:
        return whole_number(raw)
    return whole_number(raw) if raw not in rules.known and whole_number(raw) in rules.known else raw
