"""Blocks of whole lines from a text file, packed with gzip or not, checked on the way."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from penjing.data.sources.source import Layout
from penjing.errors import DataError, RecipeError

_BLOCK_BYTES = 1 << 20
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Block:
    """Whole lines of a file.

    Attributes:
        text: the lines, with their line ends.
        first_line: the number of the first, from 1.
        size: bytes of text.
        consumed: how many bytes of the file were read since the block before.
    """

    text: str
    first_line: int
    size: int
    consumed: int


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Yields the file as it lies on disk, and its unpacked bytes."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise RecipeError(f"the file cannot be read ({error.strerror})", where=str(path)) from error
    with raw:
        if path.name.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=raw) as packed:
                yield raw, packed  # type: ignore[misc]  # GzipFile reads as a BinaryIO does
        else:
            yield raw, raw


def _read(path: Path, unpacked: BinaryIO) -> bytes:
    try:
        return unpacked.read(_BLOCK_BYTES)
    except EOFError as error:
        raise DataError(
            "the file ends in the middle, as after an interrupted download",
            where=path.name,
            do="Fetch it again, and compare its size.",
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"the file is not gzip, or it is damaged ({error})",
            where=path.name,
            do="Fetch it again; if it is not packed, remove .gz from its name.",
        ) from error


def read_blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """Yields a text file in blocks of whole lines, a byte order mark left out.

    Memory is bounded by the longest line allowed.

    Raises:
        DataError: the file is empty or cut off, a line is too long, or a byte is no UTF-8 or is NUL.
        RecipeError: the file cannot be opened.
    """
    limit = layout.max_line_bytes
    first_line, offset, position = 1, 0, 0
    parts: list[bytes] = []
    waiting = 0
    with _open(path) as (raw, unpacked):
        while True:
            data = _read(path, unpacked)
            if offset == 0 and not waiting:
                data, offset = _without_mark(path, data)
            cut = data.rfind(b"\n") + 1 if data else 0
            if data and cut == 0:
                parts.append(data)
                waiting += len(data)
                if waiting > limit:
                    raise _too_long(path, first_line, layout)
                continue
            chunk = b"".join((*parts, data[:cut]))
            parts, waiting = [data[cut:]], len(data) - cut
            if chunk:
                _check_lengths(path, chunk, first_line, layout)
                text = _decode(path, chunk, first_line, offset)
                before, position = position, raw.tell()
                yield Block(text, first_line, len(chunk), position - before)
                first_line += text.count("\n")
                offset += len(chunk)
            if not data:
                break
    if position == 0:
        raise DataError("the file is empty", where=path.name, do="Put rows into it, or name another file.")


def _without_mark(path: Path, data: bytes) -> tuple[bytes, int]:
    if data.startswith(_UTF16):
        raise DataError(
            "the file is UTF-16, not UTF-8",
            where=f"{path.name}, line 1, byte 0",
            do=f"Convert it first: iconv -f UTF-16 -t UTF-8 {path.name} > new-{path.name}",
        )
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    return data[mark:], mark


def _check_lengths(path: Path, chunk: bytes, first_line: int, layout: Layout) -> None:
    if len(chunk) <= layout.max_line_bytes:
        return
    for number, line in enumerate(io.BytesIO(chunk), start=first_line):
        if len(line) > layout.max_line_bytes:
            raise _too_long(path, number, layout)


def _too_long(path: Path, line: int, layout: Layout) -> DataError:
    return DataError(
        f"the line is longer than {layout.max_line_mb:g} MB",
        where=f"{path.name}, line {line:,}",
        do="If that is meant, raise max_line_mb in the recipe; else the file is damaged there, or has no line ends.",
    )


def _decode(path: Path, chunk: bytes, first_line: int, offset: int) -> str:
    nul = chunk.find(b"\0")
    if nul >= 0:
        raise DataError(
            "there is a NUL byte, which no text holds",
            where=_byte_place(path, chunk, nul, first_line, offset),
            do="The file is damaged there, or is UTF-16; then convert it first: "
            f"iconv -f UTF-16 -t UTF-8 {path.name} > new-{path.name}",
        )
    try:
        return chunk.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the byte 0x{chunk[error.start]:02X} is no UTF-8",
            where=_byte_place(path, chunk, error.start, first_line, offset),
            do=f"Convert the file first, for example: iconv -f GB18030 -t UTF-8 {path.name} > new-{path.name}",
        ) from error


def _byte_place(path: Path, chunk: bytes, index: int, first_line: int, offset: int) -> str:
    line = first_line + chunk.count(b"\n", 0, index)
    return f"{path.name}, line {line:,}, byte {offset + index:,}"
