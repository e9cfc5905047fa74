"""What the commands share: where they write, and how a failure ends."""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

from rich.console import Console

from penjing.errors import PenjingError, one_paragraph

_NO_MEMORY = ("out of memory", "can't allocate memory")


class _ResultConsole(Console):
    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError  # rich would exit by itself, with 1


class _LogConsole(Console):
    def on_broken_pipe(self) -> None:
        _discard(sys.stderr.fileno())  # nobody reads the log any more; the work goes on


def result_console() -> Console:
    """Returns the console for what a command was asked for, on standard output."""
    return _ResultConsole(highlight=False, markup=False, emoji=False)


def log_console() -> Console:
    """Returns the console for progress and log, on standard error."""
    return _LogConsole(stderr=True, highlight=False, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """Prints one JSON document on standard output, in UTF-8 whatever a terminal takes, as JSON is."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # of a lone surrogate an escape of JSON
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def spell_out_unknown_characters(stream: TextIO) -> None:
    """Lets a stream write what its encoding does not have as ``\\u60a8``; it would end the command."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def visible(text: str) -> str:
    """Returns a text in which what a terminal would obey, other than line breaks and tabs, is replaced."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def exit_code_of(work: Callable[[], int], *, debug: bool) -> int:
    """Does the work and returns its exit code; turns a failure into one paragraph on standard error and its code."""
    try:
        code = work()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _discard(sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("penjing: stopped. Run the same command again to go on.\n")
        return 130
    except Exception as error:  # noqa: BLE001 - the last door: no traceback may reach a user
        if debug:
            traceback.print_exc()
        explained = _explain(error)
        sys.stderr.write(f"penjing: {one_paragraph(str(explained))}\n")
        return explained.exit_code


def _explain(error: Exception) -> PenjingError:
    """Returns what a failure means to the user: of the machine, or a fault of ours."""
    if isinstance(error, PenjingError):
        return error
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(w in str(error) for w in _NO_MEMORY)):
        return PenjingError(
            "the memory is used up",
            do="What was complete is kept. Make batches (batch_tokens, batch_rows) or the network ([model.shape]) "
            "smaller, or close other programs, and run the same command again.",
        )
    if isinstance(error, OSError) and error.strerror:
        return PenjingError(
            f"the system says: {error.strerror}",
            where=str(error.filename or ""),
            do="What was complete is kept. Check path, permissions and disk, and run the same command again.",
        )
    return PenjingError(
        f"a fault in Penjing itself ({type(error).__name__}: {error})",
        do="What was complete is kept. Run the command again as penjing --debug … and report what it prints.",
    )


def _discard(descriptor: int) -> None:
    """Lets all that is still written there go nowhere, also what Python flushes as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
