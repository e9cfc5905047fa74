"""What a user types into ``penjing chat``: messages of one line or of several, remembered from session to session."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_MOST_REMEMBERED = 1000  # lines
_BLOCK = '"""'
_ASK, _ASK_ON = "> ", "… "


class Said(NamedTuple):
    """What was typed.

    Attributes:
        text: of one line or several, never empty.
        is_line: whether it was one line, which may be a command.
    """

    text: str
    is_line: bool


def read_said(next_line: Callable[[str], str], say: Callable[[str], None] | None = None) -> Iterator[Said]:
    """Yields what is typed, without what is empty.

    A line that ends in a backslash goes on in the next one; lines between three quotation marks belong together, and so
    do those that are pasted together. Ctrl-C throws away what was begun.

    Args:
        next_line: reads a line; raises EOFError at the end, and KeyboardInterrupt on Ctrl-C.
        say: shows what Ctrl-C and Ctrl-D did; None: Ctrl-C is not taken.
    """
    while True:
        lines: list[str] = []
        try:
            _read_on(lines, next_line)
        except KeyboardInterrupt:
            if say is None:
                raise
            say("\nCtrl-D or /exit ends." if not lines else "\nThrown away.")
            continue
        except EOFError:
            if say is not None:
                say("")
            if said := _join(lines):
                yield said
            return
        if said := _join(lines):
            yield said


def _read_on(lines: list[str], next_line: Callable[[str], str]) -> None:
    """Reads the lines of one message into a list."""
    lines.append(next_line(_ASK))
    if lines[0].lstrip().startswith(_BLOCK):
        while not _closes(lines):
            lines.append(next_line(_ASK_ON))
        return
    while lines[-1].endswith("\\"):
        lines.append(next_line(_ASK_ON))


def _closes(lines: list[str]) -> bool:
    last = lines[-1].rstrip()
    return last.endswith(_BLOCK) and (len(lines) > 1 or len(last.strip()) >= 2 * len(_BLOCK))


def _join(lines: list[str]) -> Said | None:
    """Returns what lines say; nothing where they say nothing."""
    if not lines:
        return None
    if lines[0].lstrip().startswith(_BLOCK):
        text = "\n".join(lines).strip().removeprefix(_BLOCK)
        text = (text.rstrip().removesuffix(_BLOCK) if _closes(lines) else text).strip("\n")
        return Said(text, False) if text.strip() else None
    parts = [line.removesuffix("\\") for line in lines]
    text = "\n".join(parts).strip()
    return Said(text, len(lines) == 1 and "\n" not in text) if text else None


def lines_of_terminal(remembered: Path | None) -> Callable[[str], str]:
    """Returns what reads lines from the terminal; with readline they can be edited, and former ones come back.

    Args:
        remembered: the file of those lines; None: nothing is remembered.
    """
    try:
        import readline
    except ImportError:  # not on every system
        return input
    readline.parse_and_bind("set enable-bracketed-paste on")  # what is pasted comes as one text
    file = remembered if remembered is not None and _prepare(remembered) else None
    if file is None:
        return input
    readline.set_history_length(_MOST_REMEMBERED)
    readline.read_history_file(file)

    def read(prompt: str) -> str:
        before = readline.get_current_history_length()
        line = input(prompt)
        new = readline.get_current_history_length() - before
        if new > 0:
            with suppress(OSError):  # the disk is full, or the folder is gone: typing goes on
                readline.append_history_file(new, file)
        return line

    return read


def history_file() -> Path:
    """Returns where the lines of former sessions are, under the user's home."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "penjing" / "chat_history"


def _prepare(file: Path) -> bool:
    """Returns whether a file for lines is there, and can be read and written; for nobody else's eyes."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError:
        return False
    return True


def lines_of_pipe(prompt: str) -> str:
    """Reads a line of standard input, where that is no terminal."""
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")
