"""Blocks of whole lines from a text file, packed or not, in UTF-8 or another encoding, checked on the way."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from penjing.data.sources.encodings import AUTO, SET_AUTO, UTF8, choose_encoding, shown_name
from penjing.data.sources.source import PACKED, Layout, is_packed
from penjing.errors import DataError

_BLOCK_BYTES = 1 << 20
_STEP_BYTES = 1 << 16


@dataclass(frozen=True)
class Block:
    """Whole lines of a file.

    Attributes:
        text: the lines, with their line ends; a line that cannot be read is an empty one.
        first_line: the number of the first, from 1.
        size: bytes of text.
        consumed: how many bytes of the file were read since the block before.
    """

    text: str
    first_line: int
    size: int
    consumed: int


@dataclass(frozen=True)
class Piece:
    """Some text of a file, cut anywhere.

    Attributes:
        text: the text.
        consumed: how many bytes of the file were read since the piece before.
    """

    text: str
    consumed: int


@contextmanager
def open_unpacked(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Yields the file as it lies on disk, and its unpacked bytes.

    Raises:
        DataError: the file is gone, or cannot be opened.
    """
    try:
        raw = path.open("rb")
    except FileNotFoundError as error:
        raise DataError("the file is gone", where=str(path), do="Put it back, or run again without it.") from error
    except OSError as error:
        what = f"the file cannot be read ({error.strerror})"
        raise DataError(what, where=str(path), do="Allow it, or leave it out.") from error
    with raw:
        packed = next((end for end in PACKED if path.name.lower().endswith(end)), None)
        if packed is None:
            yield raw, raw
        else:
            with _UNPACK[packed](raw) as unpacked:
                yield raw, unpacked


_PACKING = {"gz": "gzip", "zst": "zstd", "bz2": "bzip2"}
# Each reads as a BinaryIO does.
_UNPACK: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    ".gz": lambda raw: gzip.GzipFile(fileobj=raw),  # type: ignore[dict-item,return-value]
    ".bz2": lambda raw: bz2.BZ2File(raw),  # type: ignore[dict-item,return-value]
    ".xz": lambda raw: lzma.LZMAFile(raw),  # type: ignore[dict-item,return-value]  # noqa: SIM115
    ".zst": lambda raw: pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd"),
}


class Unpacked:
    """The unpacked bytes of a file, in blocks. Where it is cut off, what could be unpacked before that is given first.

    Args:
        path: the file, for errors.
        stream: gives the bytes.
    """

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path, self._stream = path, stream
        # One unpacking step at a time: a longer read loses what it has when the file turns out to be cut off.
        has_steps = hasattr(stream, "read1") and not isinstance(stream, pa.NativeFile)  # whose read1 is its read
        self._step: Callable[[int], bytes] = stream.read1 if has_steps else stream.read  # type: ignore[attr-defined]
        self._step_bytes = _BLOCK_BYTES if has_steps else _STEP_BYTES
        self._error: DataError | None = None

    def read(self) -> bytes:
        """Returns the next megabyte or so; nothing at the end.

        Raises:
            DataError: the file is cut off, or damaged.
        """
        if self._error is not None:
            raise self._error
        parts: list[bytes] = []
        size = 0
        while size < _BLOCK_BYTES:
            try:
                part = self._step(self._step_bytes)
            except (EOFError, zlib.error, lzma.LZMAError, OSError, pa.ArrowException) as error:
                self._error = _damage(self._path, error)
                if not parts:
                    raise self._error from error
                break
            if not part:
                break
            parts.append(part)
            size += len(part)
        return b"".join(parts)


def _damage(path: Path, error: Exception) -> DataError:
    """Returns what is wrong with a file that cannot be unpacked, or read."""
    said = (str(error).splitlines() or [""])[0]
    if isinstance(error, EOFError) or "ended before the end" in said or "truncated" in said.lower():
        return DataError(
            "the file ends in the middle, as after an interrupted download",
            where=path.name,
            do="Fetch it again, and compare its size.",
        )
    if not is_packed(path):
        return DataError(f"the file cannot be read ({said})", where=path.name, do="Look at its disk.")
    kind = path.suffix.removeprefix(".").lower()
    return DataError(
        f"the file is not {_PACKING.get(kind, kind)}, or it is damaged ({said})",
        where=path.name,
        do=f"Fetch it again; if it is not packed, remove .{kind} from its name.",
    )


def read_whole(path: Path, most_bytes: int) -> bytes:
    """Returns all unpacked bytes of a file.

    Raises:
        DataError: they are more than ``most_bytes``, or none, or the file is damaged.
    """
    with open_unpacked(path) as (_, unpacked):
        parts, size, stream = [], 0, Unpacked(path, unpacked)
        while part := stream.read():
            parts.append(part)
            size += len(part)
            if size > most_bytes:
                raise DataError(f"the file is larger than {most_bytes >> 20} MiB", where=path.name, do="Cut it.")
    if not size:
        raise _empty(path)
    return b"".join(parts)


def read_blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """Yields a text file in blocks of whole lines, a byte order mark left out.

    Memory is bounded by the longest line allowed. Where the layout has a log, a line that is too long or cannot be read
    is written down there and left empty.

    Raises:
        DataError: the file is empty or cut off, no text, or a line is too long or not of the encoding.
        MissingExtraError: the encoding is to be found, and chardet is not installed.
    """
    with open_unpacked(path) as (raw, unpacked):
        lines = _Lines(path, layout)
        stream = _transcoded(path, layout, Unpacked(path, unpacked).read)
        position = 0
        try:
            for chunk in lines.cut(stream):
                before, position = position, raw.tell()
                text = lines.decode(chunk)
                yield Block(text, lines.first, len(chunk), position - before)
                lines.advance(chunk)
        except DataError as fault:  # the stream broke: the lines before it were whole, and one that was cut is left out
            layout.report(fault)


def read_pieces(path: Path, layout: Layout) -> Iterator[Piece]:
    """Yields a text file in pieces that may end in the middle of a line, a byte order mark left out.

    Raises:
        DataError: the file is empty or cut off, no text, or a byte is not of the encoding.
        MissingExtraError: as `read_blocks`.
    """
    decoder = codecs.getincrementaldecoder(UTF8)()
    offset = position = 0
    with open_unpacked(path) as (raw, unpacked):
        for data in chain(_transcoded(path, layout, Unpacked(path, unpacked).read), [b""]):
            try:
                text = decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                raise DataError(
                    f"the byte 0x{error.object[error.start]:02X} is no UTF-8",
                    where=f"{path.name}, soon after byte {offset:,}",
                    do=f"Save the file anew in UTF-8, or {SET_AUTO}.",
                ) from error
            text = text if offset else text.removeprefix("\ufeff")
            offset += len(data)
            before, position = position, raw.tell()
            yield Piece(text, position - before)


class _Lines:
    """Cuts bytes of UTF-8 into whole lines, and knows where it is."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout
        self.first, self.offset = 1, 0
        self._parts: list[bytes] = []
        self._waiting = 0

    def cut(self, stream: Iterator[bytes]) -> Iterator[bytes]:
        """Yields pieces that end with a line end, but for the last."""
        skipping = False
        for data in stream:
            if skipping:
                end = data.find(b"\n")
                if end < 0:
                    continue
                data, skipping = data[end:], False  # the line end stays, and the line is an empty one
            cut = data.rfind(b"\n") + 1
            if not cut:
                self._parts.append(data)
                self._waiting += len(data)
                if self._waiting > self.layout.max_line_bytes:
                    self.layout.report(self._too_long(self.first))
                    self._parts, self._waiting, skipping = [], 0, True
                continue
            chunk = b"".join((*self._parts, data[:cut]))
            self._parts, self._waiting = [data[cut:]], len(data) - cut
            yield self._without_long_lines(chunk)
        rest = self.rest()
        if rest:
            yield self._without_long_lines(rest)

    def rest(self) -> bytes:
        """Returns what waits for its line end."""
        rest, self._parts, self._waiting = b"".join(self._parts), [], 0
        return rest

    def advance(self, chunk: bytes) -> None:
        """Goes on behind a piece."""
        self.first += chunk.count(b"\n")
        self.offset += len(chunk)

    def decode(self, chunk: bytes) -> str:
        """Returns a piece as text, lines that are none left empty."""
        if b"\0" not in chunk:
            try:
                return self._unmarked(chunk.decode(UTF8))
            except UnicodeDecodeError as error:
                if self.layout.log is None:
                    raise self._no_utf8(chunk, error.start, self.first, self.offset) from error
        texts = []
        offset = self.offset
        for number, line in enumerate(io.BytesIO(chunk), start=self.first):
            texts.append(self._decode_line(line, number, offset))
            offset += len(line)
        return self._unmarked("".join(texts))

    def _unmarked(self, text: str) -> str:
        return text if self.offset else text.removeprefix("\ufeff")

    def _decode_line(self, line: bytes, number: int, offset: int) -> str:
        nul = line.find(b"\0")
        try:
            if nul < 0:
                return line.decode(UTF8)
            self.layout.report(
                DataError(
                    "there is a NUL byte, which no text holds",
                    where=f"{self.path.name}, line {number:,}, byte {offset + nul:,}",
                    do="The file is damaged there, or is UTF-16; then convert it first: "
                    f"iconv -f UTF-16 -t UTF-8 {self.path.name} > new-{self.path.name}",
                )
            )
        except UnicodeDecodeError as error:
            self.layout.report(self._no_utf8(line, error.start, number, offset))
        return "\n" if line.endswith(b"\n") else ""

    def _no_utf8(self, data: bytes, index: int, first: int, offset: int) -> DataError:
        line = first + data.count(b"\n", 0, index)
        return DataError(
            f"the byte 0x{data[index]:02X} is no UTF-8",
            where=f"{self.path.name}, line {line:,}, byte {offset + index:,}",
            do="Correct the line."
            if self.layout.encoding == AUTO
            else f"Convert the file first, for example: iconv -f GB18030 -t UTF-8 {self.path.name} > "
            f"new-{self.path.name}; or {SET_AUTO}.",
        )

    def _without_long_lines(self, chunk: bytes) -> bytes:
        most = self.layout.max_line_bytes
        if len(chunk) <= most:
            return chunk
        kept = []
        for number, line in enumerate(io.BytesIO(chunk), start=self.first):
            if len(line) > most:
                self.layout.report(self._too_long(number))
                line = b"\n" if line.endswith(b"\n") else b""
            kept.append(line)
        return b"".join(kept)

    def _too_long(self, line: int) -> DataError:
        return DataError(
            f"the line is longer than {self.layout.max_line_mb:g} MB",
            where=f"{self.path.name}, line {line:,}",
            do="If that is meant, raise max_line_mb in the recipe; else the file is damaged there, or has no line "
            "ends.",
        )


def _transcoded(path: Path, layout: Layout, read: Callable[[], bytes]) -> Iterator[bytes]:
    """Yields a file's bytes as UTF-8, of which a byte order mark may be the first character."""
    first = read()
    if not first.removeprefix(codecs.BOM_UTF8):
        raise _empty(path)
    name = choose_encoding(first, path, layout)
    if name == UTF8:
        while first:
            yield first
            first = read()
        return
    yield from _recoded(path, layout, name, first, read)


def _recoded(path: Path, layout: Layout, name: str, data: bytes, read: Callable[[], bytes]) -> Iterator[bytes]:
    """Yields bytes of another encoding as UTF-8; where they are not of it, the first such place is a fault."""
    decoder = codecs.getincrementaldecoder(name)()
    offset = 0
    while True:
        is_last, state = not data, decoder.getstate()
        try:
            text = decoder.decode(data, is_last)
        except UnicodeDecodeError as error:
            layout.report(_not_of(path, name, error, offset))
            decoder = codecs.getincrementaldecoder(name)(errors="replace")
            decoder.setstate(state)
            text = decoder.decode(data, is_last)
        offset += len(data)
        if text:
            yield text.encode(UTF8)
        if is_last:
            return
        data = read()


def _not_of(path: Path, name: str, error: UnicodeDecodeError, offset: int) -> DataError:
    return DataError(
        f"the byte 0x{error.object[error.start]:02X} is no {shown_name(name)}",
        where=f"{path.name}, soon after byte {offset:,}",
        do="Convert the file to UTF-8 first. Where it is read all the same, a character that is none is a �.",
    )


def _empty(path: Path) -> DataError:
    return DataError("the file is empty", where=path.name, do="Put rows into it, or name another file.")
