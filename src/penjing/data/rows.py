"""Rows of a text, with a label or another text where there is one, checked one by one as they stream in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from penjing.data.label_cells import LabelCells, LabelRules
from penjing.data.plain import plain_value
from penjing.data.sources import Batch, Layout, read_aligned, read_file
from penjing.errors import DataError

_SHOWN = 12
T = TypeVar("T")


@dataclass(frozen=True)
class RowRules:
    """What is read of each row, and which rows will do.

    Attributes:
        text: column of the text.
        labels: where a row's one label is, and which will do; None where none is read.
        label_sets: the same of a row's labels, however many; None where none are read.
        where: keep only the rows whose column has this value.
        empty_text: what is done with a row whose text is empty.
        layout: how the files are read.
        target: column of a text that is to be written, or of a list of such that will all do; None where there is none.
        references: further columns of texts that will do as well.
        aligned: file of texts → file of the targets, line by line; other files are tables.
        rejected: column of a text to which the target was preferred; None where there is none.
        written_in: file → its own columns of texts that are to be written, in place of target and references.
    """

    text: str
    labels: LabelRules | None = None
    where: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    empty_text: Literal["refuse", "drop"] = "refuse"
    layout: Layout = field(default_factory=Layout)
    target: str | None = None
    references: tuple[str, ...] = ()
    aligned: Mapping[Path, Path] = field(default_factory=dict)
    label_sets: LabelRules | None = None
    rejected: str | None = None
    written_in: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)

    def columns(self, file: Path) -> list[str]:
        """Returns the columns that are read of a file."""
        of_labels = [column for rules in (self.labels, self.label_sets) if rules for column in rules.columns]
        others = () if self.rejected is None else (self.rejected,)
        return list(dict.fromkeys([self.text, *of_labels, *self.written(file), *others, *self.where]))

    @property
    def writes(self) -> bool:
        """Whether rows have texts that are to be written."""
        return self.target is not None

    def written(self, file: Path) -> tuple[str, ...]:
        """Returns the columns of what is to be written in a file."""
        if self.target is None:
            return ()
        return self.written_in.get(file, (self.target, *self.references))


@dataclass(frozen=True)
class TextRows:
    """Checked rows of one file.

    Attributes:
        file: where they come from.
        texts: [rows], never empty.
        labels: [rows]; an empty list where no label is read.
        rows: the number of each row in its file.
        read: how many rows were read for these.
        empty: how many had an empty text and were dropped.
        filtered: how many were left out by ``where``.
        consumed: bytes of the file read.
        targets: the first of the texts that are to be written, [rows], never empty; an empty list where none is read.
        references: all of them, [rows]; an empty list where none is read.
        label_sets: the labels of each row, [rows]; an empty list where none are read.
        label_counts: what was left out or repaired of the labels of these rows, see `LabelCells`.
        dialogues: the messages of each row, as JSON, [rows]; an empty list where the rows are no dialogues.
        rejected: the texts to which the targets were preferred, [rows]; an empty list where there are none.
    """

    file: Path
    texts: list[str]
    labels: list[str]
    rows: list[int]
    read: int
    empty: int
    filtered: int
    consumed: int
    targets: list[str] = field(default_factory=list)
    label_sets: list[tuple[str, ...]] = field(default_factory=list)
    label_counts: Mapping[str, int] = field(default_factory=dict)
    dialogues: list[str] = field(default_factory=list)
    references: list[list[str]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    def take(self, places: Sequence[int]) -> TextRows:
        """Returns some of the rows; what was read for them stays the same."""
        return replace(
            self,
            texts=[self.texts[place] for place in places],
            labels=[self.labels[place] for place in places] if self.labels else [],
            rows=[self.rows[place] for place in places],
            targets=[self.targets[place] for place in places] if self.targets else [],
            label_sets=[self.label_sets[place] for place in places] if self.label_sets else [],
            dialogues=[self.dialogues[place] for place in places] if self.dialogues else [],
            references=[self.references[place] for place in places] if self.references else [],
            rejected=[self.rejected[place] for place in places] if self.rejected else [],
        )


class RowReader:
    """Reads files by one set of rules.

    Args:
        rules: what is read and checked.

    Attributes:
        seen: some values of each column that ``where`` names, to show where no row is left.
    """

    def __init__(self, rules: RowRules) -> None:
        self.rules = rules
        self.seen: dict[str, dict[str, None]] = {column: {} for column in rules.where}
        self._tests = {column: cell_test(value) for column, value in rules.where.items()}
        self._one = LabelCells(rules.labels) if rules.labels else None
        self._several = LabelCells(rules.label_sets) if rules.label_sets else None

    def read(self, files: Iterable[Path]) -> Iterator[TextRows]:
        """Yields the files' rows.

        Raises:
            RecipeError: a column is missing.
            DataError: a row cannot be used; its file and number are named.
        """
        for file in files:
            for batch in self._batches(file):
                yield self._check(batch)

    def _batches(self, file: Path) -> Iterator[Batch]:
        """Returns the rows of a file as they are."""
        beside = self.rules.aligned.get(file)
        if beside is None:
            return read_file(file, self.rules.columns(file), self.rules.layout)
        return read_aligned(file, beside, self.rules.columns(file), self.rules.layout)

    def _check(self, batch: Batch) -> TextRows:
        kept = self._filter(batch)
        texts, written = {}, {}
        for index in kept:
            text = self._text(batch, index)
            references = self._references(batch, index) if text and self.rules.writes else []
            if text and (references or not self.rules.writes):
                texts[index], written[index] = text, references
        filled = list(texts)
        labels, counts = _read_cells(batch, filled, self._one, LabelCells.one)
        sets, more = _read_cells(batch, filled, self._several, LabelCells.several)
        rows = [index for index in filled if index in labels and index in sets]
        return TextRows(
            file=batch.file,
            texts=[texts[index] for index in rows],
            labels=[labels[index] for index in rows] if self._one else [],
            rows=[batch.rows[index] for index in rows],
            read=len(batch.rows),
            empty=len(kept) - len(filled),
            filtered=len(batch.rows) - len(kept),
            consumed=batch.consumed,
            targets=[written[index][0] for index in rows] if self.rules.writes else [],
            label_sets=[sets[index] for index in rows] if self._several else [],
            label_counts={**counts, **more},
            references=[written[index] for index in rows] if self.rules.writes else [],
        )

    def _filter(self, batch: Batch) -> list[int]:
        kept = list(range(len(batch.rows)))
        for column, test in self._tests.items():
            values = batch.columns[column]
            seen = self.seen[column]
            for index in kept:
                if len(seen) >= _SHOWN:
                    break
                seen.setdefault(plain_value(values[index])[:40])
            kept = [index for index in kept if test(values[index])]
        return kept

    def _text(self, batch: Batch, index: int) -> str:
        """Returns the text of a row; empty where the row is left out. Of pairs, it may be a list of sentences."""
        column = self.rules.text
        value = batch.columns[column][index]
        parts = self._parts(batch, index, column) if self.rules.writes else _cell(value)
        if parts is None:
            self._report(batch, index, column)
            return ""
        return " ".join(parts) or self._empty(batch, index, column)

    def _references(self, batch: Batch, index: int) -> list[str]:
        """Returns the texts that are to be written; none where the row is left out."""
        found: list[str] = []
        columns = self.rules.written(batch.file)
        for column in columns:
            parts = self._parts(batch, index, column)
            if parts is None:
                self._report(batch, index, column)
                return []
            found += parts
        if not found:
            self._empty(batch, index, columns[0])
        return list(dict.fromkeys(found))

    def _parts(self, batch: Batch, index: int, column: str) -> list[str] | None:
        """Returns the texts of a cell that holds one or a list of them, without empty ones; None: it holds others."""
        value = batch.columns[column][index]
        cells = [_cell(item) for item in value] if isinstance(value, list) else [_cell(value)]
        return None if None in cells else [text for cell in cells if cell for text in cell]

    def _report(self, batch: Batch, index: int, column: str) -> None:
        self.rules.layout.report(
            DataError(
                f'column "{column}" is {self._shown(batch.columns[column][index])}, which is no text',
                where=batch.place(index),
                do="Correct the row, or name another column with text.",
            )
        )

    def _empty(self, batch: Batch, index: int, column: str) -> str:
        if self.rules.empty_text == "drop":
            return ""
        self.rules.layout.report(
            DataError(
                f'column "{column}" is empty',
                where=batch.place(index),
                do='Add the text, or remove the row; in a recipe, empty_text = "drop" under [data] does so.',
                setting=("empty_text", "drop"),
            )
        )
        return ""

    def _shown(self, value: Any) -> str:
        """Returns what a value is; not the value itself where it would be written to a file, for it may be private."""
        return repr(str(value)[:40]) if self.rules.layout.log is None else f"of the kind {type(value).__name__}"


def _cell(value: Any) -> list[str] | None:
    """Returns the text of a value, none where it is empty; None where it is no text."""
    if value is None:
        return []
    if not isinstance(value, str):
        return None
    return [] if not value or value.isspace() else [value]


def _read_cells(
    batch: Batch, places: list[int], cells: LabelCells | None, read: Callable[[LabelCells, Batch, int], T | None]
) -> tuple[dict[int, T], Mapping[str, int]]:
    """Returns place → what its cells hold, without rows that are left out, and what was counted; all without cells."""
    if cells is None:
        return dict.fromkeys(places), {}  # type: ignore[return-value]
    before = cells.counts.copy()
    found = {index: label for index in places if (label := read(cells, batch, index)) is not None}
    return found, cells.counts - before


def cell_test(wanted: str | int | float | bool) -> Callable[[Any], bool]:
    """Returns the test of a cell against a value of ``where``; in CSV every cell is text."""
    if isinstance(wanted, bool):
        word = plain_value(wanted)
        return lambda value: plain_value(value).lower() == word
    if isinstance(wanted, str):
        return lambda value: plain_value(value) == wanted

    def is_number(value: Any) -> bool:
        try:
            return float(value) == wanted
        except (TypeError, ValueError):
            return False

    return is_number
