"""Compiles C++ for the processor that it runs on, once, and opens it."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from penjing.errors import PenjingError

_SHARED = Path(__file__).parent  # headers that several sources have in common
_FLAGS = ("-O3", "-march=native", "-std=c++20", "-ffp-contract=off", "-shared", "-fPIC", "-pthread")
_COMPILERS = ("g++", "c++", "clang++")
_TIMEOUT_S = 300.0
_FULL = ("No space left", "quota exceeded")  # what compilers say of a full disk
_log = logging.getLogger(__name__)


class CannotCompileError(PenjingError):
    """There is no compiler, or it did not do its work."""


def open_library(source: Path, folder: Path | None = None, more_flags: tuple[str, ...] = ()) -> ctypes.CDLL:
    """Returns the compiled library; compiles it where that was not done for this source, compiler and processor.

    Where it cannot be kept, or not be opened from where it is kept, it is compiled for this process alone: a warning
    tells so.

    Args:
        source: what is compiled; it includes headers that lie beside it, or beside this file.
        folder: where compiled libraries are kept; None: where they are kept for this user.
        more_flags: that the compiler is called with.

    Raises:
        CannotCompileError: there is no compiler, or it failed, or there is no place for what it makes; the message says
            what it said.
    """
    return _open(source, folder or library_folder(), (*_FLAGS, *more_flags))


@cache
def _open(source: Path, folder: Path | None, flags: tuple[str, ...]) -> ctypes.CDLL:
    compiler = next((found for name in _COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise CannotCompileError(
            "there is no C++ compiler, by which the fast arithmetic is made",
            do="Install g++ (build-essential); until then PyTorch computes, slower.",
        )
    call = [compiler, *flags]
    try:
        name = f"{source.stem}-{_fingerprint(call, source)}.so"
        call += [f"-I{_SHARED}", str(source)]
        try:
            if folder is None:
                raise FileNotFoundError("this user has no home folder")
            return _open_kept(call, folder / name)
        except OSError as error:
            _log.warning("%s: compiled for this process alone, for it cannot be kept (%s)", source.stem, error)
        with tempfile.TemporaryDirectory() as passing:  # what is open needs its file no more
            return _open_kept(call, Path(passing) / name)
    except subprocess.TimeoutExpired as error:
        raise CannotCompileError(
            f"{Path(compiler).name} did not make the fast arithmetic within {_TIMEOUT_S:.0f} s",
            do="Start again when the machine has less to do; until then PyTorch computes, slower.",
        ) from error
    except OSError as error:
        raise CannotCompileError(
            f"there is no place for the fast arithmetic, which is compiled ({error})",
            do="Name a folder that can be written in the environment variable XDG_CACHE_HOME; until then PyTorch "
            "computes, slower.",
        ) from error


def _open_kept(call: list[str], path: Path) -> ctypes.CDLL:
    if not path.exists():
        _compile(call, path)
    return ctypes.CDLL(str(path))


def library_folder() -> Path | None:
    """Returns where this user's compiled libraries are kept, by the XDG base directory specification.

    None: the user has no home folder.
    """
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(home) / "penjing" / "native"


def _fingerprint(call: list[str], source: Path) -> str:
    """Returns what a compiled library depends on, in few characters."""
    hashed = hashlib.sha256(source.read_bytes())
    for header in sorted({*source.parent.glob("*.h"), *_SHARED.glob("*.h")}):
        hashed.update(header.read_bytes())
    version = subprocess.run([call[0], "--version"], capture_output=True, check=False, timeout=_TIMEOUT_S).stdout
    hashed.update(version + " ".join(call[1:]).encode() + platform.machine().encode() + _processor().encode())
    return hashed.hexdigest()[:16]


def _processor() -> str:
    """Returns what the processor can do, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _compile(call: list[str], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        made = Path(beside) / path.name
        done = subprocess.run(
            [*call, "-o", str(made)],
            env={**os.environ, "LC_ALL": "C"},  # so that it is understood what it says
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines()
            if any(full in line for line in said for full in _FULL):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path.parent))
            raise CannotCompileError(
                f"{Path(call[0]).name} could not make the fast arithmetic: {said[0] if said else 'it says nothing'}",
                where=call[-1],
                do="Install a newer compiler (g++ 11); until then PyTorch computes, slower.",
            )
        os.replace(made, path)
