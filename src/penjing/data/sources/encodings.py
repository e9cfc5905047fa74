"""Encodings of text: a byte order mark, UTF-8, or what the bytes look like."""

from __future__ import annotations

import codecs
from pathlib import Path

from penjing.data.sources.source import Layout
from penjing.errors import DataError, MissingExtraError

UTF8 = "utf-8"
AUTO = "auto"
SET_AUTO = 'set encoding = "auto" in a recipe, --encoding auto on the command line'

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What contains another and is written under its name.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "hz": "hz", "ascii": UTF8, "iso8859-1": "cp1252"}
_WIDER |= {"big5": "big5hkscs", "cp950": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949"}
_SAMPLE_BYTES = 64 << 10
_MOST_BROKEN = 100  # of so many characters one may be none; where more are, it is no text
_LEAST_CONFIDENCE = 0.05  # of chardet 7: a sixth for a few lines of German, a fiftieth for bytes of nothing


def marked_encoding(data: bytes) -> str | None:
    """Returns the encoding that a byte order mark at the start of a text names, if there is one."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def is_utf8(data: bytes) -> bool:
    """Returns whether the bytes are UTF-8; a character that is cut off at their end does not count."""
    try:
        codecs.getincrementaldecoder(UTF8)().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def detect_encoding(data: bytes, path: Path) -> str:
    """Returns the encoding of a text by its first bytes, as Python calls it.

    A byte order mark decides, else whether the bytes are UTF-8. Only then they are compared with how other encodings
    look (chardet). Text that is UTF-8 but for some broken lines counts as UTF-8.

    Args:
        data: the beginning of a file, up to a megabyte.
        path: the file, for errors.

    Raises:
        DataError: it is no text of any encoding that is known.
        MissingExtraError: the text is not UTF-8, and chardet is not installed.
    """
    marked = marked_encoding(data)
    if marked is not None:
        return marked
    if b"\0" not in data and (is_utf8(data) or _is_broken_utf8(data, needs_characters=True)):
        return UTF8
    try:
        import chardet
    except ImportError as error:
        purpose = f"Finding the encoding of {path.name}, which is not UTF-8,"
        raise MissingExtraError("chardet", "corpus", purpose) from error
    found = chardet.detect(data[:_SAMPLE_BYTES])
    name = found["encoding"]
    if name is not None and (found["confidence"] or 0) >= _LEAST_CONFIDENCE and _is_text(data, codec_name(name)):
        return codec_name(name)
    if b"\0" not in data and _is_broken_utf8(data, needs_characters=False):
        return UTF8
    raise DataError(
        "this is no text, but some other kind of file",
        where=path.name,
        do="Leave it out, or give it the extension that it should have; a rare encoding can be named: "
        'encoding = "…" in a recipe, --encoding where a command takes it.',
    )


def codec_name(name: str) -> str:
    """Returns Python's name of an encoding, or of the wider one that is commonly written under that name.

    Raises:
        LookupError: Python does not know it.
    """
    codec = codecs.lookup(name)
    if not codec._is_text_encoding:
        raise LookupError(name)
    known = UTF8 if codec.name == "utf-8-sig" else codec.name
    return _WIDER.get(known, known)


def decode_as(data: bytes, name: str) -> str | None:
    """Returns the text that bytes are in an encoding; None where they are not of it, or it is not known."""
    try:
        return data.decode(marked_encoding(data) or codec_name(name))
    except (UnicodeDecodeError, LookupError):
        return None


def decode_whole(data: bytes, path: Path, layout: Layout) -> str:
    """Returns the text of a whole file.

    Raises:
        DataError: the bytes are not of the encoding, or of none.
        MissingExtraError: as `detect_encoding`.
    """
    name = choose_encoding(data, path, layout)
    try:
        return data.decode(name).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        layout.report(
            DataError(
                f"the byte 0x{data[error.start]:02X} is no {shown_name(name)}",
                where=f"{path.name}, byte {error.start:,}",
                do=f"Save the file anew in UTF-8, or {SET_AUTO}. Where it is read all the same, a character that is "
                "none is a �.",
            )
        )
    text = data.decode(name, errors="replace").removeprefix("\ufeff")
    return "" if text.count("\ufffd") > len(text) / _MOST_BROKEN else text


def choose_encoding(data: bytes, path: Path, layout: Layout) -> str:
    """Returns the encoding of a text by its first bytes and what is asked for, and counts it.

    Raises:
        DataError: it is no text, or UTF-16 where UTF-8 is asked for.
        MissingExtraError: as `detect_encoding`.
    """
    name = layout.encoding or UTF8
    if name == AUTO:
        name = detect_encoding(data, path)
    elif codec_name(name) == UTF8 and marked_encoding(data) not in (None, "utf-8-sig"):
        raise DataError(
            f"the file is {shown_name(str(marked_encoding(data)))}, not UTF-8",
            where=f"{path.name}, line 1, byte 0",
            do=f"Convert it first: iconv -f UTF-16 -t UTF-8 {path.name} > new-{path.name}; or {SET_AUTO}.",
        )
    if layout.log is not None:
        layout.log.encodings[shown_name(codec_name(name))] += 1
    return codec_name(name)


def shown_name(name: str) -> str:
    """Returns an encoding's name as people write it."""
    shown = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "gb18030": "GB18030", "big5hkscs": "Big5"}
    return shown.get(name, name)


def _is_broken_utf8(data: bytes, *, needs_characters: bool) -> bool:
    """Returns whether at most a twentieth of the lines are not UTF-8, of those that are not ASCII or of all."""
    lines = [line for line in data.split(b"\n")[:-1] if not needs_characters or not line.isascii()]
    broken = sum(not is_utf8(line) for line in lines)
    return broken <= len(lines) / 20 and bool(lines)


def _is_text(data: bytes, name: str) -> bool:
    """Returns whether bytes can be read in an encoding, and hold next to no control characters then."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(data)
    except UnicodeDecodeError:
        return False
    controls = sum(character < " " and character not in "\t\n\r\f\x1b" for character in text[:_SAMPLE_BYTES])
    return controls <= min(len(text), _SAMPLE_BYTES) / 1000
