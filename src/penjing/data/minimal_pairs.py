"""Minimal pairs: two sentences that differ in what makes one of them wrong, from a zip of JSON lines or a table."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from penjing.data.plain import plain_value
from penjing.data.sources import Batch, Layout, read_file, source_files
from penjing.data.sources.json_lines import parse_json_line
from penjing.data.sources.source import missing_column
from penjing.errors import DataError, RecipeError

GOOD, BAD = "sentence_good", "sentence_bad"
_MORE = ("UID", "field", "linguistics_term")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_LONGEST_LINE = Layout().max_line_bytes


@dataclass(frozen=True)
class MinimalPair:
    """A good sentence and its bad twin.

    Attributes:
        good: the one that is right.
        bad: the one that is wrong.
        set_name: what the pair tests (BLiMP's UID); where nothing says so, the name of the file.
        term: the kind of knowledge (``linguistics_term``), or empty.
        field: the part of grammar, or empty.
    """

    good: str
    bad: str
    set_name: str
    term: str = ""
    field: str = ""


def holds_minimal_pairs(address: str, encoding: str | None = None) -> bool:
    """Whether an address is that of a zip, or of a table with the columns ``sentence_good`` and ``sentence_bad``.

    Args:
        address: as of `read_minimal_pairs`.
        encoding: as of `read_minimal_pairs`.

    Raises:
        RecipeError: there is no such file.
        DataError: its first rows cannot be read.
    """
    return _is_zip(address) or all(_has_columns(source_files(address)[0], Layout(encoding=encoding), GOOD, BAD))


def read_minimal_pairs(address: str, encoding: str | None = None) -> list[MinimalPair]:
    """Reads all pairs.

    Args:
        address: a zip of JSON lines in the layout of BLiMP (Warstadt et al. 2020, arXiv 1912.00582), which is read in
            place; or a table as `penjing.data.sources.source_files` takes it, with the columns ``sentence_good`` and
            ``sentence_bad`` and, where they are there, ``UID``, ``field`` and ``linguistics_term``.
        encoding: of a table that is text; None: UTF-8; ``auto``: found by how the bytes look. The files in a zip are
            UTF-8, whatever is said here.

    Raises:
        RecipeError: the file or a column is missing.
        DataError: the file is damaged, a line cannot be used, or there is no pair.
    """
    if _is_zip(address):
        pairs = list(_read_zip(Path(address)))
    else:
        pairs = [pair for file in source_files(address) for pair in _read_table(file, Layout(encoding=encoding))]
    if not pairs:
        raise DataError("there is no pair", where=address, do="Put pairs into it, or name another file.")
    return pairs


def _is_zip(address: str) -> bool:
    return address.lower().endswith(".zip")


def _has_columns(file: Path, layout: Layout, *columns: str) -> list[bool]:
    """Returns for each column whether the file has it."""
    found = []
    for column in columns:
        try:
            next(iter(read_file(file, [column], layout)), None)
            found.append(not file.name.lower().removesuffix(".gz").endswith(".txt"))  # its one column has any name
        except RecipeError:
            if not file.is_file():
                raise
            found.append(False)
    return found


def _read_table(file: Path, layout: Layout) -> Iterator[MinimalPair]:
    more = [column for column, found in zip(_MORE, _has_columns(file, layout, *_MORE), strict=True) if found]
    for batch in read_file(file, [GOOD, BAD, *more], layout):
        for index in range(len(batch.rows)):
            yield _pair({name: values[index] for name, values in batch.columns.items()}, batch, index)


def _pair(values: dict[str, Any], batch: Batch, index: int) -> MinimalPair:
    return _checked(values, batch.place(index), batch.file.name.partition(".")[0])


def _checked(values: dict[str, Any], where: str, file_stem: str) -> MinimalPair:
    """Returns a pair; raises `DataError` where one of its sentences is no text."""
    for column in (GOOD, BAD):
        sentence = values.get(column)
        if not isinstance(sentence, str) or not sentence.strip():
            what = "empty or missing" if not sentence else f"{str(sentence)[:40]!r}, which is no text"
            raise DataError(
                f'"{column}" is {what}', where=where, do="Each row needs a good and a bad sentence; correct the row."
            )
    set_name, field, term = (plain_value(values.get(column)) for column in _MORE)
    # In one of BLiMP's sets the field is written "syntax/semantics", in the others "syntax_semantics".
    return MinimalPair(values[GOOD], values[BAD], set_name or file_stem, term, field.replace("/", "_"))


def _read_zip(path: Path) -> Iterator[MinimalPair]:
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise RecipeError(f"the file cannot be read ({error.strerror})", where=str(path)) from error
    except _DAMAGED as error:
        raise _damaged(path.name, error) from error
    with archive:
        names = _data_files(archive.namelist())
        if not names:
            raise DataError(
                "there is no .jsonl file in it", where=path.name, do="Give a zip of JSON lines, such as BLiMP's."
            )
        for name in names:
            yield from _read_member(archive, name, f"{path.name}, {name}")


def _data_files(names: Sequence[str]) -> list[str]:
    """Returns the names of the files of JSON lines, sorted, without those that a Mac adds."""
    paths = [PurePosixPath(name) for name in names if name.lower().endswith((".jsonl", ".ndjson"))]
    return sorted(str(path) for path in paths if "__MACOSX" not in path.parts and not path.name.startswith("."))


def _read_member(archive: zipfile.ZipFile, name: str, label: str) -> Iterator[MinimalPair]:
    number = 0
    try:
        with archive.open(name) as file:
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                if line.strip():
                    yield _parse(line, f"{label}, line {number:,}", PurePosixPath(name).stem)
    except _DAMAGED as error:
        raise _damaged(f"{label}, line {number + 1:,}", error) from error


def _parse(line: bytes, where: str, file_stem: str) -> MinimalPair:
    if len(line) > _LONGEST_LINE:
        raise DataError(
            f"the line is longer than {_LONGEST_LINE / 1e6:g} MB", where=where, do="The file is damaged there."
        )
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the byte 0x{line[error.start]:02X} is no UTF-8", where=where, do="Correct the line, or save it as UTF-8."
        ) from error
    values = parse_json_line(text, where)
    for column in (GOOD, BAD):
        if column not in values:
            wrong = missing_column(Path(where), column, values)
            raise DataError(wrong.what, where=where, do=wrong.do)
    return _checked(values, where, file_stem)


def _damaged(where: str, error: Exception) -> DataError:
    return DataError(
        f"the zip is damaged, or packed or locked in a way that is not read ({error})",
        where=where,
        do="Fetch it again, and compare its size; or unpack it and give its .jsonl files.",
    )
