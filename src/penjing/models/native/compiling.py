"""Compiles C++ for the processor that it runs on, once, and opens it."""

from __future__ import annotations

import ctypes
import hashlib
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


class CannotCompileError(PenjingError):
    """There is no compiler, or it did not do its work."""


def open_library(source: Path, folder: Path | None = None, more_flags: tuple[str, ...] = ()) -> ctypes.CDLL:
    """Returns the compiled library; compiles it where that was not done for this source, compiler and processor.

    Args:
        source: what is compiled; it includes headers that lie beside it, or beside this file.
        folder: where compiled libraries are kept; None: where they are kept for this user.
        more_flags: that the compiler is called with.

    Raises:
        CannotCompileError: there is no compiler, or it failed; the message says what it said.
    """
    return _open(source, folder or library_folder(), (*_FLAGS, *more_flags))


@cache
def _open(source: Path, folder: Path, flags: tuple[str, ...]) -> ctypes.CDLL:
    compiler = next((found for name in _COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise CannotCompileError(
            "there is no C++ compiler, by which the fast arithmetic is made",
            do="Install g++ (build-essential); until then PyTorch computes, slower.",
        )
    call = [compiler, *flags]
    path = folder / f"{source.stem}-{_fingerprint(call, source)}.so"
    if not path.exists():
        _compile([*call, f"-I{_SHARED}", str(source)], path)
    return ctypes.CDLL(str(path))


def library_folder() -> Path:
    """Returns where this user's compiled libraries are kept, by the XDG base directory specification."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
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
        done = subprocess.run([*call, "-o", str(made)], capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise CannotCompileError(
                f"{Path(call[0]).name} could not make the fast arithmetic: {said[0] if said else 'it says nothing'}",
                where=call[-1],
                do="Install a newer compiler (g++ 11); until then PyTorch computes, slower.",
            )
        os.replace(made, path)
