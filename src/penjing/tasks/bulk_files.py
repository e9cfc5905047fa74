"""How answers stand in files: JSON lines, CSV, or Parquet, by the file's name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from penjing.errors import UsageError
from penjing.files import write_beside

KINDS = (".jsonl", ".csv", ".parquet")
_GROUP_ROWS = 16384  # of Parquet
#: Columns whose first values may not tell what they hold.
_TYPES: Mapping[str, pa.DataType] = {
    "start": pa.int64(),
    "end": pa.int64(),
    "labels": pa.list_(pa.string()),
    "history": pa.list_(pa.string()),
    "read": pa.list_(pa.string()),
    "new": pa.list_(pa.string()),
}


def check_name(path: Path) -> None:
    """Refuses a file whose name does not say what it is.

    Raises:
        UsageError: it ends in something else.
    """
    if path.suffix.lower() not in KINDS:
        known = ", ".join(KINDS)
        raise UsageError(f"the name ends in none of {known}", where=str(path), do="Name the file so.")


class Lines:
    """Writes answers as lines: of CSV, or of JSON, of which a Parquet file is made when it is complete.

    Args:
        path: of the file that is made.
    """

    def __init__(self, path: Path) -> None:
        self._is_csv = path.suffix.lower() == ".csv"
        self._columns: list[str] = []

    def write(self, values: Sequence[Mapping[str, Any]], *, with_header: bool) -> str:
        """Returns the lines of some answers.

        Args:
            values: of each.
            with_header: whether they are the first.
        """
        if not self._is_csv:
            return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
        flat = [flatten(value) for value in values]
        self._columns = self._columns or list(flat[0])
        text = _Rows()
        writer = csv.DictWriter(text, self._columns)
        if with_header:
            writer.writeheader()
        writer.writerows({name: _cell(item) for name, item in row.items()} for row in flat)
        return text.getvalue()


class _Rows(io.StringIO):
    """Ends rows in LF. The writer is let end them in CR LF, for only then does it quote cells that hold either."""

    def write(self, row: str, /) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values without objects in them: a member of one is called ``name.member``."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{member}": item for member, item in value.items()})
        else:
            flat[name] = value
    return flat


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple | dict) else value


def finish_file(part: Path, path: Path) -> None:
    """Makes the complete file of its lines."""
    if path.suffix.lower() == ".parquet":
        _write_parquet(part, path)
    else:
        part.replace(path)


def _write_parquet(part: Path, path: Path) -> None:
    with part.open(encoding="utf-8") as file, write_beside(path) as beside:
        writer: pq.ParquetWriter | None = None
        for rows in _groups(file):
            table = pa.Table.from_pylist(rows, schema=None if writer is None else writer.schema)
            if writer is None:
                schema = pa.schema([pa.field(column.name, _type_of(column)) for column in table.schema])
                table = pa.Table.from_pylist(rows, schema=schema)
                writer = pq.ParquetWriter(beside, schema, compression="zstd")
            writer.write_table(table)
        if writer is None:
            pq.write_table(pa.table({"file": pa.array([], pa.string()), "row": pa.array([], pa.int64())}), beside)
        else:
            writer.close()


def _groups(lines: Iterator[str]) -> Iterator[list[dict[str, Any]]]:
    while rows := [flatten(json.loads(line)) for line in islice(lines, _GROUP_ROWS)]:
        yield rows


def _type_of(column: pa.Field) -> pa.DataType:
    found = _TYPES.get(column.name, column.type)
    if pa.types.is_null(found):
        return pa.string()
    if pa.types.is_list(found) and pa.types.is_null(found.value_type):
        return pa.list_(pa.string())
    return found
