"""Progress on a terminal: bars with speed and time left, on standard error."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as _TimeRemaining


class TerminalBar:
    """One line that moves."""

    def __init__(self, progress: Progress, name: str, total: float | None, unit: str) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=total, unit=unit, note="")

    def advance(self, amount: float = 1) -> None:
        self._progress.advance(self._task, amount)

    def note(self, text: str) -> None:
        self._progress.update(self._task, note=text)

    def __enter__(self) -> TerminalBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class TerminalProgress:
    """Shows bars on standard error where that is a terminal, plain lines where it is not.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._asked_to_stop = False

    def bar(self, name: str, total: float | None = None, unit: str = "rows") -> TerminalBar:
        columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description:<9}"), BarColumn(bar_width=24)]
        if total is not None:
            columns.append(TextColumn("{task.percentage:>3.0f}%"))
        else:
            columns += [MofNCompleteColumn(), TextColumn("{task.fields[unit]}")]
        columns += [TimeElapsedColumn(), TextColumn("left"), _TimeRemaining(), TextColumn("{task.fields[note]}")]
        shown = self._console.is_terminal
        return TerminalBar(
            Progress(*columns, console=self._console, transient=True, disable=not shown), name, total, unit
        )

    def say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def should_stop(self) -> bool:
        return self._asked_to_stop

    def measured(self, name: str, evaluation: int, figures: Mapping[str, float]) -> None:
        """Shows nothing: the bar has a note of the loss."""

    @contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        """Lets Ctrl-C and SIGTERM ask the work to stop at a safe point; a second Ctrl-C stops at once."""

        def ask(number: int, frame: FrameType | None) -> None:
            if self._asked_to_stop and number == signal.SIGINT:
                raise KeyboardInterrupt
            self._asked_to_stop = True
            # From a thread: the signal may have come in the middle of a write, which cannot be entered twice.
            threading.Thread(target=self.say, args=("Stopping at the next safe point; what is done is kept …",)).start()

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
