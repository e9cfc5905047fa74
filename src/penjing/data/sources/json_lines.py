"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from penjing.data.sources.blocks import read_blocks
from penjing.data.sources.source import BATCH_ROWS, NAME_ANOTHER, Batch, Layout, missing_column, name_row
from penjing.errors import DataError


def read_json_lines(path: Path, wanted: Sequence[str], layout: Layout) -> Iterator[Batch]:
    """Reads JSON lines; blank lines are skipped, and a key that a later row lacks is a value that is missing.

    Args:
        path: the file.
        wanted: the keys to read.
        layout: how to read it.

    Raises:
        RecipeError: the first row lacks a key.
        DataError: a line is no JSON object, or breaks the rules of UTF-8.
    """
    is_first = True
    for block in read_blocks(path, layout):
        kept: list[dict[str, Any]] = []
        rows: list[int] = []
        consumed = block.consumed
        for number, line in enumerate(block.text.split("\n"), start=block.first_line):
            if not line or line.isspace():
                continue
            try:
                value = parse_json_line(line, name_row(path, number, number))
            except DataError as fault:
                layout.report(fault)
                continue
            if is_first:
                is_first = False
                check_keys(path, wanted, value)
            kept.append(value)
            rows.append(number)
            if len(rows) >= BATCH_ROWS:
                yield _batch(path, wanted, kept, rows, consumed)
                kept, rows, consumed = [], [], 0
        yield _batch(path, wanted, kept, rows, consumed)


def check_keys(path: Path, wanted: Sequence[str], value: dict[str, Any]) -> None:
    """Refuses a first row without a key that is asked for.

    Raises:
        RecipeError: with the keys that it has.
    """
    for column in wanted:
        if column not in value:
            raise missing_column(path, column, value, NAME_ANOTHER)


def _batch(path: Path, wanted: Sequence[str], kept: list[dict[str, Any]], rows: list[int], consumed: int) -> Batch:
    return Batch(path, {column: [value.get(column) for value in kept] for column in wanted}, rows, rows, consumed)


def parse_json_line(line: str, where: str) -> dict[str, Any]:
    """Returns the object that a line holds.

    Args:
        line: the line.
        where: names it in errors.

    Raises:
        DataError: the line is no JSON object.
    """
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"the line is no JSON ({error.msg}, column {error.colno})",
            where=where,
            do="Each line must be one JSON object; correct the line.",
        ) from error
    except (RecursionError, ValueError) as error:
        raise DataError(
            "the line is JSON of a depth or with a number that cannot be read", where=where, do="Correct the line."
        ) from error
    if not isinstance(value, dict):
        raise DataError(
            f"the line is a JSON {kind_of_value(value)}, not an object",
            where=where,
            do='Write each row as an object, for example {"text": "…", "label": "…"}.',
        )
    if "\\ud" in line or "\\uD" in line:
        check_surrogates(value, where)
    return value


def check_surrogates(value: Any, where: str) -> None:
    """Refuses a value with half of a surrogate pair, which JSON can write and no text can hold.

    Raises:
        DataError: it has one.
    """
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            "a \\u escape is half of a surrogate pair, which is no character", where=where, do="Correct it."
        ) from error


def kind_of_value(value: Any) -> str:
    """Returns what JSON calls a value."""
    kinds: dict[type, str] = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
