"""Answers put into a new file, beside the one they were given for."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from penjing.data.keys import text_ids
from penjing.data.plain import plain_value
from penjing.data.sources import Layout, read_file
from penjing.data.sources.blocks import read_blocks
from penjing.data.sources.columns import list_columns
from penjing.data.sources.json_lines import parse_json_line
from penjing.data.sources.source import kind_of, missing_column, name_row
from penjing.errors import DataError, UsageError
from penjing.files import write_beside

_WRITTEN = ("csv", "tsv", "jsonl")


@dataclass(frozen=True)
class Applied:
    """What became of the rows.

    Attributes:
        rows: written.
        answered: of these, rows whose text has an answer.
        changed: of these, rows that had another label before.
        left_out: rows with neither an answer nor a label.
    """

    rows: int
    answered: int
    changed: int
    left_out: int


def apply_answers(file: Path, text: str, label: str, labels: Mapping[str, str], layout: Layout, to: Path) -> Applied:
    """Writes the rows of a file that have a label, with the answers in its place; all other columns stay.

    Args:
        file: the rows; it is not changed.
        text: its column of texts.
        label: its column of labels; added if it is not there.
        labels: of each text that has an answer, by its id.
        layout: how the file is read.
        to: the new file: CSV, TSV or JSON lines by its extension.

    Raises:
        UsageError: the new file is there already, or is of a kind that is not written.
        RecipeError: there is no such column of texts.
        DataError: a row cannot be used, or cannot be written as TSV.
    """
    if to.exists():
        raise UsageError("there is such a file already", where=str(to), do="Name a new file with --to.")
    if kind_of(to) not in _WRITTEN or to.name.endswith(".gz"):
        raise UsageError(
            f"files of this kind are not written; known are {', '.join('.' + kind for kind in _WRITTEN)}",
            where=str(to),
            do="Name a new file with --to.",
        )
    columns = _columns(file, text, layout)
    if text not in columns:
        raise missing_column(file, text, columns)
    counts = {"rows": 0, "answered": 0, "changed": 0, "left_out": 0}
    with write_beside(to) as beside, beside.open("w", encoding="utf-8", newline="") as out:
        rows = _labelled(_rows(file, columns, layout), text, label, labels, counts)
        _write(out, kind_of(to), list(dict.fromkeys([*columns, label])), rows, to)
    return Applied(**counts)


def _columns(file: Path, text: str, layout: Layout) -> list[str]:
    """Returns all columns; rows of JSON lines may have others than the first."""
    if kind_of(file) == "jsonl":
        return list(dict.fromkeys(key for row in _json_rows(file, layout) for key in row))
    return list_columns(file, layout) or [text]


def _rows(file: Path, columns: Sequence[str], layout: Layout) -> Iterator[dict[str, Any]]:
    """Yields all that is in each row."""
    if kind_of(file) == "jsonl":
        yield from _json_rows(file, layout)
        return
    for batch in read_file(file, columns, layout):
        for index in range(len(batch.rows)):
            yield {column: batch.columns[column][index] for column in columns}


def _json_rows(file: Path, layout: Layout) -> Iterator[dict[str, Any]]:
    for block in read_blocks(file, layout):
        for number, line in enumerate(block.text.split("\n"), start=block.first_line):
            if line.strip():
                yield parse_json_line(line, name_row(file, number, number))


def _labelled(
    rows: Iterator[dict[str, Any]], text: str, label: str, labels: Mapping[str, str], counts: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """Yields the rows that have a label, with the answers in its place, and counts."""
    for row in rows:
        value = row.get(text)
        key = text_ids([value if isinstance(value, str) else ""])[0]
        before = plain_value(row.get(label))
        if key in labels:
            counts["answered"] += 1
            counts["changed"] += bool(before) and before != labels[key]
            row[label] = labels[key]
        elif not before:
            counts["left_out"] += 1
            continue
        counts["rows"] += 1
        yield row


def _write(out: IO[str], kind: str, columns: Sequence[str], rows: Iterator[dict[str, Any]], to: Path) -> None:
    if kind == "jsonl":
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
    elif kind == "csv":
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    else:
        out.write("\t".join(columns) + "\n")
        for row in rows:
            cells = [_cell(row.get(column)) for column in columns]
            if any("\t" in cell or "\n" in cell or "\r" in cell for cell in cells):
                raise DataError(
                    "a cell holds a tab or a line end, which TSV cannot", where=to.name, do="Write .csv or .jsonl."
                )
            out.write("\t".join(cells) + "\n")


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else plain_value(value)
