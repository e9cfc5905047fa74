"""Compiles the C++ beside this file for the processor that it runs on, once, and opens it."""

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

_FOLDER = Path(__file__).parent
_FLAGS = ("-O3", "-march=native", "-std=c++20", "-ffp-contract=off", "-shared", "-fPIC", "-pthread")
_COMPILERS = ("g++", "c++", "clang++")
_TIMEOUT_S = 300.0


class CannotCompileError(PenjingError):
    """There is no compiler, or it did not do its work."""


@cache
def open_library(folder: Path) -> ctypes.CDLL:
    """Returns the compiled library; compiles it where that was not done for this source, compiler and processor.

    Args:
        folder: where compiled libraries are kept.

    Raises:
        CannotCompileError: there is no compiler, or it failed; the message says what it said.
    """
    compiler = next((found for name in _COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise CannotCompileError(
            "there is no C++ compiler, by which the fast engine is made",
            do="Install g++ (build-essential); until then texts are written by PyTorch, slower.",
        )
    path = folder / f"decoder-{_fingerprint(compiler)}.so"
    if not path.exists():
        _compile(compiler, path)
    return ctypes.CDLL(str(path))


def library_folder() -> Path:
    """Returns where this user's compiled libraries are kept, by the XDG base directory specification."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "penjing" / "native"


def _fingerprint(compiler: str) -> str:
    """Returns what a compiled library depends on, in few characters."""
    hashed = hashlib.sha256()
    for source in sorted(_FOLDER.glob("*.h")) + sorted(_FOLDER.glob("*.cpp")):
        hashed.update(source.read_bytes())
    version = subprocess.run([compiler, "--version"], capture_output=True, check=False, timeout=_TIMEOUT_S).stdout
    hashed.update(version + " ".join(_FLAGS).encode() + platform.machine().encode() + _processor().encode())
    return hashed.hexdigest()[:16]


def _processor() -> str:
    """Returns what the processor can do, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _compile(compiler: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        made = Path(beside) / path.name
        call = [compiler, *_FLAGS, str(_FOLDER / "decoder.cpp"), "-o", str(made)]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise CannotCompileError(
                f"{Path(compiler).name} could not make the fast engine: {said[0] if said else 'it says nothing'}",
                where=str(_FOLDER),
                do="Install a newer compiler (g++ 11); until then texts are written by PyTorch, slower.",
            )
        os.replace(made, path)
