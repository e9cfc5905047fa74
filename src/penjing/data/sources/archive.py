"""Archives (.zip): the files in them, each read as if it lay beside."""

from __future__ import annotations

import errno
import lzma
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from penjing.data.sources.faults import Fault, FaultLog
from penjing.data.sources.source import Batch, Layout, Reader, is_packed, kind_of
from penjing.errors import DataError, PenjingError, RecipeError
from penjing.files import process_mark, remove_abandoned

_BLOCK_BYTES = 1 << 20
_LONGEST_NAME = 60  # characters
# Text shrinks to a tenth, the same line again and again to a hundredth. What unpacks to more is a bomb.
_MOST_TIMES = 200
_ALWAYS_BYTES = 64 << 20


def read_archive(
    path: Path, wanted: Sequence[str], layout: Layout, read: Reader, kinds: Sequence[str]
) -> Iterator[Batch]:
    """Reads the files of known kinds in a zip, by name; each is unpacked beside for as long as it is read.

    Args:
        path: the archive.
        wanted: the columns to read.
        layout: how to read the files.
        read: reads one file.
        kinds: the extensions of files that are read; others are left out.

    Raises:
        RecipeError: a column is missing.
        DataError: the archive is damaged, locked or a bomb, or a file in it cannot be read.
    """
    if is_packed(path):
        raise DataError("a zip is not read through another packing", where=path.name, do="Unpack it once.")
    with _open(path) as archive:
        members, others = _choose(archive, kinds)
        if layout.log is not None:
            layout.log.left_out.update(others)
        if not members:
            known = ", ".join(f".{kind}" for kind in kinds)
            raise DataError("no file in it can be read", where=path.name, do=f"Known are {known}.")
        for info in sorted(members, key=lambda info: info.filename):
            try:
                yield from _read_member(path, archive, info, wanted, layout, read)
            except DataError as fault:
                layout.report(fault)


@contextmanager
def _open(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(
            f"the file is no zip, or it is damaged ({error})", where=path.name, do="Fetch or pack it again."
        ) from error
    with archive:
        yield archive


def _choose(archive: zipfile.ZipFile, kinds: Sequence[str]) -> tuple[list[zipfile.ZipInfo], Counter[str]]:
    """Returns the files of known kinds in an archive, and how many others there are, by extension."""
    members, others = [], Counter[str]()
    for info in archive.infolist():
        name = PurePosixPath(info.filename)
        if info.is_dir() or any(part.startswith((".", "__MACOSX")) for part in name.parts):
            continue
        if kind_of(Path(name.name)) in kinds:
            members.append(info)
        else:
            others[name.suffix.lower()] += 1
    return members, others


def _read_member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, wanted: Sequence[str], layout: Layout, read: Reader
) -> Iterator[Batch]:
    """Reads one file of an archive; rows and faults are said to come from ``archive.zip/inner/name.csv``."""
    named = path / info.filename.lstrip("/")
    remove_abandoned(Path(tempfile.gettempdir()), "penjing-unpacked-", "")
    with tempfile.TemporaryDirectory(prefix="penjing-unpacked-", suffix=f"-{process_mark()}") as folder:
        name = PurePosixPath(info.filename).name  # only its end counts, and it may be too long for this disk
        file = Path(folder, f"member{name[-_LONGEST_NAME:][name[-_LONGEST_NAME:].find('.') :]}")
        _unpack(path, archive, info, file)
        share = info.compress_size / max(1, info.file_size)
        # A log of its own, so that its faults can be told where they are.
        log = None if layout.log is None else FaultLog()
        try:
            for batch in read(file, wanted, replace(layout, log=log)):
                yield replace(batch, file=named, consumed=int(batch.consumed * share))
        except PenjingError as error:
            raise _placed(path, info, file, error) from error
        if log is not None and layout.log is not None:
            told = [
                _placed(path, info, file, DataError(fault.what, where=fault.where, do=fault.do)) for fault in log.faults
            ]
            log.faults = [Fault(error.where, error.what, error.do) for error in told]
            layout.log.merge(log)


def _placed(path: Path, info: zipfile.ZipInfo, file: Path, error: PenjingError) -> PenjingError:
    """Returns an error of a file in an archive that says in which."""
    where = error.where.rpartition(file.name)[2] if file.name in error.where else f": {error.where}"
    kind = RecipeError if isinstance(error, RecipeError) else DataError
    return kind(error.what, where=f"{path.name}/{info.filename}{where}", do=error.do)


def _unpack(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, out: Path) -> None:
    """Writes a file of an archive to disk; what it says of its size is not believed."""
    where = f"{path.name}/{info.filename}"
    most = max(_ALWAYS_BYTES, _MOST_TIMES * info.compress_size)
    size = 0
    try:
        with archive.open(info) as packed, out.open("wb") as file:
            while data := packed.read(_BLOCK_BYTES):
                size += len(data)
                if size > most:
                    raise DataError(
                        f"it unpacks to more than {_MOST_TIMES} times its size, as a zip bomb does",
                        where=where,
                        do="If it is meant, unpack it by hand and name the folder.",
                    )
                file.write(data)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise DataError(f"the file in it is damaged ({error})", where=where, do="Fetch or pack it again.") from error
    except RuntimeError as error:  # zipfile has no class of its own for this
        raise DataError("the file in it asks for a password", where=where, do="Unpack it by hand.") from error
