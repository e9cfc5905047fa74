"""The one way to write: beside, then rename. A killed process leaves no half-written file or folder."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from penjing.errors import DiskFullError, UsageError

_LEFT_OVER = re.compile(r"\..+\.\d+\.(part|old)")
_ABANDONED_S = 24 * 3600
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def process_mark() -> str:
    """Returns what tells this process from all others, those of other machines and containers too, in a file's name."""
    return f"{_mark_of_machine()}.{os.getpid()}"


@cache
def _mark_of_machine() -> str:
    """Returns what stands for all processes with numbers of one kind: a machine since it started, or a container."""
    found = [os.uname().nodename]
    with suppress(OSError):  # neither is on macOS
        found += [Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"), os.readlink("/proc/self/ns/pid")]
    return "m" + hashlib.blake2b("\n".join(found).encode(), digest_size=4).hexdigest()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns "no space left" from any writer below into a `DiskFullError` that names ``path``.

    Libraries written in Rust or C++ (safetensors, Arrow) raise their own classes with the system's message in it.
    """
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in _NO_ROOM or "No space left on device" in str(error) or "os error 28" in str(error):
            raise DiskFullError(
                "the disk is full",
                where=str(path),
                do="Nothing that was complete is lost. Free some space, or choose another folder with --out, "
                "and run the same command again.",
            ) from error
        raise


@contextmanager
def write_beside(path: Path) -> Iterator[Path]:
    """Yields a path beside ``path`` to write to; on success it is flushed to disk and renamed, else removed.

    Raises:
        DiskFullError: the disk has no room; ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{process_mark()}.part")
    with disk_errors(path):
        try:
            yield beside
            _put(beside, path)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def write_within(path: Path) -> Iterator[Path]:
    """As `write_beside`, for writers that write beside what they are given, under a name of their own.

    What they leave when they are killed lies in a folder that `remove_leftovers` knows.

    Raises:
        DiskFullError: the disk has no room; ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{process_mark()}.part")
    with disk_errors(path):
        try:
            remove_whole(beside)
            beside.mkdir()
            yield beside / path.name
            _put(beside / path.name, path)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _put(written: Path, path: Path) -> None:
    """Flushes a file to the disk, and renames it."""
    with written.open("rb") as file:
        os.fsync(file.fileno())
    written.replace(path)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text atomically."""
    with write_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")


def check_writable(path: Path, where: str) -> None:
    """Checks that a file could be written later, by trying; of its folders those that are missing would be made.

    Args:
        path: that will be written.
        where: names it in the error.

    Raises:
        UsageError: it could not.
    """
    folder = path.absolute().parent
    try:
        while not folder.exists():
            folder = folder.parent
        with TemporaryFile(dir=folder):
            return
    except OSError as error:
        what = f"nothing can be written in {folder} ({error.strerror})"
        raise UsageError(what, where=where, do="Choose another place, or change its permissions.") from error


def write_json(path: Path, value: Any) -> None:
    """Writes ``value`` as indented JSON atomically."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Reads a JSON document."""
    return json.loads(path.read_text(encoding="utf-8"))


def check_replaceable(folder: Path, mark: str, where: str) -> None:
    """Refuses to put a folder in the place of something that we have not made.

    Args:
        folder: that will be replaced, if it is there.
        mark: the name of a file that a folder of ours has.
        where: names it in the error.

    Raises:
        UsageError: it is a file, or a folder with other things in it.
    """
    if not folder.exists() or (folder / mark).is_file() or (folder.is_dir() and not any(folder.iterdir())):
        return
    what = "there are other things in this folder" if folder.is_dir() else "there is a file of this name"
    raise UsageError(what, where=where, do="Name a folder that is empty or not there; nothing was changed.")


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside ``path`` to fill; on success it takes the place of ``path``, else it is removed."""
    beside = path.with_name(f".{path.name}.{process_mark()}.part")
    shutil.rmtree(beside, ignore_errors=True)
    with disk_errors(path):
        try:
            beside.mkdir(parents=True)
            yield beside
            replace_folder(beside, path)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def replace_folder(new: Path, path: Path) -> None:
    """Puts the folder ``new`` in the place of ``path``; what stood there before is removed last.

    If it cannot be put there, what stood there is put back.
    """
    for file in sorted(new.rglob("*")):
        if file.is_file():
            with file.open("rb") as written:
                os.fsync(written.fileno())
    old = path.with_name(f".{path.name}.{process_mark()}.old")
    shutil.rmtree(old, ignore_errors=True)
    stood = path.exists()
    if stood:
        path.rename(old)
    try:
        new.rename(path)
    except OSError:
        if stood:
            old.rename(path)
        raise
    fsync_folder(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def write_all(file: IO[bytes], data: bytes) -> None:
    """Writes all of some bytes to a file without a buffer, which may take a part of them at once.

    What a full disk refuses is written by nothing later, as the rest of a buffer is: by the next write, or by close.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def remove_whole(path: Path) -> None:
    """Removes a folder, or a file, if it is there; a killed process leaves all of it, or nothing under its name."""
    if path.is_dir():
        old = path.with_name(f".{path.name}.{process_mark()}.old")
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
        shutil.rmtree(old, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed process has left beside the files and folders it was writing: by names that only we give.

    Nobody else may be writing in ``folder`` at the same time.
    """
    for path in folder.glob(".*"):
        if _LEFT_OVER.fullmatch(path.name):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def remove_abandoned(folder: Path, prefix: str = "", suffix: str = ".part") -> None:
    """Removes what processes that are no more have left in a folder where others may be writing.

    Of what another machine or container was writing nobody here can say whether that goes on: it is removed once
    nothing of it has changed for a day.

    Args:
        folder: the folder.
        prefix: how the names begin.
        suffix: how they end; the mark of the process stands between dots or hyphens before it.
    """
    for path in folder.glob(f"{prefix}*{suffix}"):
        found = re.search(r"[.-](m[0-9a-f]{8}\.)?(\d+)" + re.escape(suffix) + "$", path.name)
        if found is None:
            continue
        is_ours = found[1] == f"{_mark_of_machine()}."
        if not _is_running(int(found[2])) if is_ours else _unchanged_s(path) > _ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _unchanged_s(path: Path) -> float:
    """Returns for how many seconds nothing of a file or folder has changed; 0 where it is being removed."""
    try:
        return time.time() - max(part.lstat().st_mtime for part in (path, *path.rglob("*")))
    except OSError:
        return 0


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def fsync_folder(path: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
