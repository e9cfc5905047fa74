"""Grammars that somebody sends, read first by a process of its own, which ends where one takes too long.

A grammar of a few dozen bytes can take hours to be read, and nothing in the library bounds that: strings that must each
match many patterns, or multiples of a large number. A thread cannot be ended, a process can.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

from penjing.errors import PenjingError, UsageError

_START_S = 60.0  # for the process to be there, on a busy machine
_PATIENCE = 10  # times the processor's time that a grammar may take, until it is given up whatever the reason
_MOST_BYTES = 4 << 30  # of memory that the process may take
_READY, _READ = "ready\n", "read\n"
_SIMPLER = "Make it simpler: fewer patterns for the same text, smaller numbers, fewer repetitions within repetitions."


class CostlyGrammarError(UsageError):
    """A grammar takes more time to be read than it may, whenever it is read."""


class GrammarTrial:
    """Reads grammars in a process of its own; for one thread at a time.

    Args:
        tokenizer: a ``tokenizer.json``: what a grammar costs depends on the vocabulary.
        end_ids: tokens that end a text.
        seconds: of a processor that a grammar may take.
    """

    def __init__(self, tokenizer: str, end_ids: frozenset[int], seconds: float = 2.0) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._opening = json.dumps([tokenizer, sorted(end_ids), seconds])
        self._seconds = seconds
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def check(self, grammar: str) -> None:
        """Has a grammar read; whether it is right is not said.

        Raises:
            CostlyGrammarError: it takes too long.
            UsageError: it takes too much memory, or the machine is too busy.
            PenjingError: no process can be started.
        """
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._start()
        if self._ask(json.dumps(grammar), self._seconds * _PATIENCE) == _READ:
            return
        is_costly = self.close() == -signal.SIGPROF
        if is_costly:
            took = f"takes more than {self._seconds:g} seconds to be read"
            raise CostlyGrammarError(f"the expression or the schema {took}", do=_SIMPLER)
        raise UsageError(
            "the expression or the schema could not be read with the memory and time there is", do=_SIMPLER
        )

    def close(self) -> int | None:
        """Ends the process, and returns how it ended; the next grammar has another one."""
        process, self._process = self._process, None
        if process is None:
            return None
        assert process.stdin is not None
        with suppress(subprocess.TimeoutExpired):  # it ended by itself, or is about to
            process.wait(0.2 if process.poll() is None else 0)
        process.kill()
        with suppress(OSError):  # what it did not read any more
            process.stdin.close()
        return process.wait()

    def __del__(self) -> None:
        if (process := getattr(self, "_process", None)) is not None:
            process.kill()
            self.close()

    def _start(self) -> None:
        # -P: what lies in the folder where the server was started is nothing to import.
        command, pipe = [sys.executable, "-P", "-m", __name__], subprocess.PIPE
        try:
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        except OSError as error:
            raise PenjingError(f"the process that reads grammars cannot be started ({error})") from error
        self._process, self._lines = process, queue.SimpleQueue()
        threading.Thread(target=_pass_on, args=(process, self._lines), daemon=True).start()
        if self._ask(self._opening, _START_S) != _READY:
            self.close()
            raise PenjingError("the process that reads grammars cannot be started")

    def _ask(self, line: str, seconds: float) -> str:
        """Returns what the process says to a line; nothing where it takes too long, or has ended."""
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(OSError):  # it ended; then nothing is said
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
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


def read_grammar(vocabulary: Any, grammar: str) -> tuple[Any, str]:
    """Returns a matcher at the beginning of a text, and what is wrong with the grammar; else an empty text.

    Args:
        vocabulary: an ``LLTokenizer``.
        grammar: as ``LLMatcher`` makes it of an expression or a schema.
    """
    from llguidance import LLMatcher

    is_wrong, messages = LLMatcher.validate_grammar_with_warnings(grammar, vocabulary)
    if is_wrong:
        return None, messages[0]
    matcher = LLMatcher(vocabulary, grammar, log_level=0)
    return matcher, matcher.get_error() if matcher.is_error() else ""


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))


def main() -> None:
    """Reads a tokenizer, and then the grammars that come, a line of JSON each, and says so."""
    from llguidance import LLTokenizer

    _limit_memory()
    tokenizer, end_ids, seconds = json.loads(sys.stdin.readline())
    vocabulary, said = LLTokenizer(tokenizer, eos_token=end_ids), _READY
    while True:
        sys.stdout.write(said)
        sys.stdout.flush()
        if not (line := sys.stdin.readline()):
            return
        signal.setitimer(signal.ITIMER_PROF, seconds)  # nothing catches SIGPROF: it ends the process, whatever it is at
        matcher, wrong = read_grammar(vocabulary, json.loads(line))
        if not wrong:
            matcher.deep_copy().compute_bitmask()
        signal.setitimer(signal.ITIMER_PROF, 0)
        said = _READ


if __name__ == "__main__":
    main()
