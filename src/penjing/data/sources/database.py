"""Rows of a database: ``sqlite:FILE?SELECT …`` and ``postgresql://…?SELECT …``, read once and kept as JSON lines."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from penjing.data.sources.keeping import keep, kept_place
from penjing.errors import DataError, MissingExtraError, RecipeError
from penjing.hashing import hash_json

_QUERY = re.compile(r"\?(?=\s*(?:select|with|values)\b)", re.IGNORECASE)
_ROWS = 1000
_EXAMPLE = "SELECT body AS text FROM reviews"


def sqlite_files(address: str) -> list[Path]:
    """Returns a file of the rows of a query; the query is asked again when the database has changed.

    Args:
        address: ``sqlite:FILE?SELECT …``.

    Raises:
        RecipeError: there is no such database, or the query is wrong; its tables are named.
        DataError: the database is damaged, or a cell is no text or number.
    """
    database, query = _split(address, "sqlite:")
    path = Path(database).expanduser()
    if not path.is_file():
        raise RecipeError("there is no such database", where=database, do="Correct the path.")
    # A commit that has not yet reached the file itself lies in its write-ahead log.
    states = [file.stat() for file in (path, _log_of(path)) if file.exists()]
    state = [(status.st_size, status.st_mtime_ns) for status in states if status.st_size]
    place = kept_place(f"{path.resolve()}?{query}", path.name)
    now = place / hash_json(state)[:16]
    files = keep(now, lambda folder: _write(folder / f"{path.name}.jsonl.zst", *_ask_sqlite(path, query)))
    for before in place.iterdir():  # what the database said once, it may not say any more
        if before != now and not before.name.startswith("."):
            shutil.rmtree(before, ignore_errors=True)
    return files


def postgresql_files(address: str) -> list[Path]:
    """Returns a file of the rows of a query, asked once; remove what is kept to ask it again.

    Args:
        address: ``postgresql://USER@HOST:PORT/DATABASE?SELECT …``; a password is read from PGPASSWORD or ~/.pgpass.

    Raises:
        RecipeError: the query is wrong.
        DataError: the server cannot be reached, or a cell is no text or number.
        MissingExtraError: psycopg is not installed.
    """
    server, query = _split(address, "")
    parts = urlsplit(server)
    name = f"{parts.path.strip('/') or 'postgresql'}.jsonl.zst"
    return keep(kept_place(address, parts.path), lambda folder: _write(folder / name, *_ask_postgresql(server, query)))


def _split(address: str, scheme: str) -> tuple[str, str]:
    parts = _QUERY.split(address.removeprefix(scheme), maxsplit=1)
    if len(parts) < 2:
        hint = _tables(Path(parts[0].rstrip("?")).expanduser()) if scheme else ""
        raise RecipeError(
            "there is no query",
            where=address,
            do=f"Write it behind a question mark: {parts[0]}?{_EXAMPLE}. {hint}".strip(),
        )
    return parts[0], parts[1].strip()


def _ask_sqlite(path: Path, query: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
    try:
        connection = _open(path)
        cursor = connection.execute(query)
    except sqlite3.DatabaseError as error:
        is_locked = "locked" in str(error)
        kind = RecipeError if isinstance(error, sqlite3.OperationalError) and not is_locked else DataError
        do = "Wait until nobody writes to it." if is_locked else f"Correct the query. {_tables(path)}"
        raise kind(f"the database does not answer ({error})", where=f"{path}?{query}", do=do) from error

    def rows() -> Iterator[Sequence[Any]]:
        with closing(connection):
            try:
                while part := cursor.fetchmany(_ROWS):
                    yield from part
            except sqlite3.DatabaseError as error:
                raise DataError(f"the database breaks off ({error})", where=str(path), do="Check it.") from error

    return [column[0] for column in cursor.description], rows()


def _open(path: Path) -> sqlite3.Connection:
    """Opens a database to read; without a log of changes, it is not even locked, and nothing is written beside it."""
    log = _log_of(path)
    unchanging = "" if log.exists() and log.stat().st_size else "&immutable=1"
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{unchanging}", uri=True)


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _tables(path: Path) -> str:
    try:
        with closing(_open(path)) as connection:
            found = connection.execute(
                "SELECT m.name || ' (' || group_concat(c.name, ', ') || ')' "
                "FROM sqlite_master m, pragma_table_info(m.name) c "
                "WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%' "
                "GROUP BY m.name ORDER BY m.name LIMIT 20"
            ).fetchall()
    except sqlite3.DatabaseError:
        return ""
    return f"Its tables are: {'; '.join(name for (name,) in found)}." if found else "It has no table."


def _ask_postgresql(server: str, query: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
    try:
        import psycopg
    except ImportError as error:
        raise MissingExtraError("psycopg", "postgresql", "Reading PostgreSQL") from error
    where = f"{server}?{query}"
    try:
        connection = psycopg.connect(server, connect_timeout=30)
    except psycopg.Error as error:
        raise DataError(
            f"the server cannot be reached ({str(error).strip().splitlines()[0]})",
            where=server,
            do="Check the address, and that the server runs; a password is read from PGPASSWORD or ~/.pgpass.",
        ) from error
    connection.read_only = True
    cursor = connection.cursor(name="penjing")  # on the server, so that not all rows come at once
    cursor.itersize = _ROWS
    try:
        cursor.execute(query)
        names = [column.name for column in cursor.description or ()]
    except psycopg.Error as error:
        connection.close()
        raise RecipeError(
            f"the server refuses the query ({str(error).strip().splitlines()[0]})", where=where, do="Correct it."
        ) from error

    def rows() -> Iterator[Sequence[Any]]:
        with closing(connection):
            try:
                yield from cursor
            except psycopg.Error as error:
                raise DataError(
                    f"the server breaks off ({str(error).strip()})", where=where, do="Try again."
                ) from error

    return names, rows()


def _write(out: Path, names: list[str], rows: Iterator[Sequence[Any]]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise RecipeError(
            f'the query gives {names.count(twice[0])} columns "{twice[0]}"',
            where=out.name.removesuffix(".jsonl.zst"),
            do=f"Name them apart: SELECT a.{twice[0]} AS {twice[0]}, b.{twice[0]} AS other …",
        )
    with pa.OSFile(str(out), "wb") as file, pa.CompressedOutputStream(file, "zstd") as packed:
        for number, row in enumerate(rows, start=1):
            cells = {name: _plain(cell, name, number, out) for name, cell in zip(names, row, strict=True)}
            packed.write((json.dumps(cells, ensure_ascii=False) + "\n").encode("utf-8", "replace"))


def _plain(cell: Any, name: str, number: int, out: Path) -> Any:
    if cell is None or isinstance(cell, str | int | float | bool):
        return cell
    if isinstance(cell, bytes | bytearray | memoryview):
        raise DataError(
            f'column "{name}" holds bytes, which are no text',
            where=f"{out.name.removesuffix('.jsonl.zst')}, row {number:,} of the query",
            do="Leave the column out, or convert it in the query.",
        )
    return json.dumps(cell, ensure_ascii=False, default=str) if isinstance(cell, dict | list) else str(cell)
