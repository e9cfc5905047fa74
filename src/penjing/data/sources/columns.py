"""Which columns a file has."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.data.sources.arrow import arrow_columns
from penjing.data.sources.blocks import read_blocks
from penjing.data.sources.delimited import read_header
from penjing.data.sources.dispatch import check_kind, table_kinds
from penjing.data.sources.json_array import json_columns
from penjing.data.sources.json_lines import parse_json_line
from penjing.data.sources.source import Layout, kind_of, name_row
from penjing.errors import DataError

_DELIMITERS = {"csv": ",", "tsv": "\t", "inter": "\t", "item": "\t"}


def list_columns(path: Path, layout: Layout) -> list[str]:
    """Returns the names of a file's columns, in order; of JSON, those of the first row.

    A text file has the one column ``text``; of the kinds of plug-ins nothing is known, and the list is empty.

    Args:
        path: the file.
        layout: how it is read; its ``columns`` are those of a CSV or TSV file without a header line.

    Raises:
        RecipeError: the extension is unknown.
        DataError: the file is empty, or cannot be used.
    """
    check_kind(path, table_kinds())
    kind = kind_of(path)
    if kind == "txt":
        return ["text"]
    if kind == "parquet":
        return _parquet_columns(path)
    if kind == "arrow":
        return arrow_columns(path)
    if kind == "json":
        return json_columns(path, layout)
    if kind == "jsonl":
        return _json_columns(path, layout)
    if kind in _DELIMITERS:
        return list(layout.columns) if layout.columns else _header(path, layout, _DELIMITERS[kind])
    return []


def _header(path: Path, layout: Layout, delimiter: str) -> list[str]:
    names = read_header(path, layout, delimiter)
    if not names:
        raise DataError("the file is empty", where=path.name, do="Put rows into it, or name another file.")
    return names


def _json_columns(path: Path, layout: Layout) -> list[str]:
    lines = (line for block in read_blocks(path, layout) for line in block.text.split("\n") if line.strip())
    first = next(lines, None)
    return list(parse_json_line(first, name_row(path, 1, 1))) if first is not None else []


def _parquet_columns(path: Path) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            "the file is not Parquet, or it is damaged or cut off", where=path.name, do="Fetch or write it again."
        ) from error
