"""Grammars that somebody sends, read first by a process of its own, which is ended where one takes too long.

A grammar of a few hundred bytes can take hours to be read, and nothing in the library bounds that: so many strings that
must each match many patterns, for instance. A thread cannot be ended, a process can.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress

from penjing.errors import PenjingError, UsageError

_START_S = 60.0  # for the process to be there, on a busy machine
_ORPHAN_S = 60  # after which a process ends that nobody waits for any more
_MOST_BYTES = 4 << 30  # of memory that it may take
_READY, _READ = "ready\n", "read\n"


class GrammarTrial:
    """Reads grammars in a process of its own; for one thread at a time.

    Args:
        seconds: that a grammar may take.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._seconds = seconds
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def check(self, grammar: str) -> None:
        """Has a grammar read; whether it is right is not said.

        Raises:
            UsageError: it takes too long, or too much memory.
            PenjingError: no process can be started.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        with suppress(OSError):  # it ended; then no answer comes
            process.stdin.write(json.dumps(grammar) + "\n")
            process.stdin.flush()
        if self._answer(self._seconds) != _READ:
            self.close()
            raise UsageError(
                f"to read the expression or the schema takes more than {self._seconds:g} seconds, or too much memory",
                do="Make it simpler: fewer patterns for the same text, and fewer repetitions within repetitions.",
            )

    def close(self) -> None:
        """Ends the process; the next grammar has another one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            assert process.stdin is not None
            with suppress(OSError):  # what it did not read any more
                process.stdin.close()
            process.wait()

    def __del__(self) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", __name__]
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        except OSError as error:
            raise PenjingError(f"the process that reads grammars cannot be started ({error})") from error
        self._process, self._lines = process, queue.SimpleQueue()
        threading.Thread(target=_pass_on, args=(process, self._lines), daemon=True).start()
        if self._answer(_START_S) != _READY:
            self.close()
            raise PenjingError("the process that reads grammars cannot be started")
        return process

    def _answer(self, seconds: float) -> str:
        """Returns what the process says next; nothing where it takes too long, or has ended."""
        try:
            return self._lines.get(timeout=seconds)
        except queue.Empty:
            return ""


def _pass_on(process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    """Gives the lines of a process; at last an empty one."""
    assert process.stdout is not None
    with process.stdout as said:
        for line in said:
            lines.put(line)
    lines.put("")


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))


def main() -> None:
    """Reads the grammars that come, a line of JSON each, and says so."""
    from llguidance import LLMatcher

    _limit_memory()
    sys.stdout.write(_READY)
    sys.stdout.flush()
    for line in sys.stdin:
        if hasattr(signal, "alarm"):
            signal.alarm(_ORPHAN_S)  # nothing catches it: it ends the process, whatever that is at
        LLMatcher.validate_grammar(json.loads(line))
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        sys.stdout.write(_READ)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
