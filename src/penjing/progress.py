"""Progress as the floors below the command line see it: a protocol, and an implementation that shows nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol

from penjing.errors import Interrupted


class Bar(Protocol):
    """One running piece of work."""

    def advance(self, amount: float = 1) -> None:
        """Adds ``amount`` units of work done."""

    def note(self, text: str) -> None:
        """Replaces the short text beside the bar, for example ``loss 3.21 · 5,600 tokens/s``."""

    def __enter__(self) -> Bar: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Progress(Protocol):
    """Where work reports how far it is, and learns that it should stop."""

    def bar(self, name: str, total: float | None = None, unit: str = "rows") -> Bar:
        """Opens a bar for ``total`` units (None: unknown)."""

    def say(self, text: str) -> None:
        """Prints a line to the log."""

    def should_stop(self) -> bool:
        """Whether the user asked to stop (Ctrl-C or SIGTERM); long work asks at safe points."""

    def measured(self, name: str, evaluation: int, figures: Mapping[str, float]) -> None:
        """Takes what training measured on the validation rows; whoever wants it to end there raises.

        Args:
            name: of the training.
            evaluation: counts from 1.
            figures: ``validation_loss`` and ``validation_accuracy``.
        """


class SilentBar:
    """A bar that shows nothing."""

    def advance(self, amount: float = 1) -> None: ...

    def note(self, text: str) -> None: ...

    def __enter__(self) -> SilentBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Silent:
    """Progress that shows nothing and never stops."""

    def bar(self, name: str, total: float | None = None, unit: str = "rows") -> SilentBar:
        return SilentBar()

    def say(self, text: str) -> None: ...

    def should_stop(self) -> bool:
        return False

    def measured(self, name: str, evaluation: int, figures: Mapping[str, float]) -> None: ...


class Unheard:
    """Passes on all but what is said, under longer names: it is a part of something larger, which says what is news."""

    def __init__(self, progress: Progress, before: str = "") -> None:
        self._inner, self._before = progress, before

    def bar(self, name: str, total: float | None = None, unit: str = "rows") -> Bar:
        return self._inner.bar(self._before + name, total, unit)

    def say(self, text: str) -> None: ...

    def should_stop(self) -> bool:
        return self._inner.should_stop()

    def measured(self, name: str, evaluation: int, figures: Mapping[str, float]) -> None:
        self._inner.measured(self._before + name, evaluation, figures)


def stop_if_asked(progress: Progress) -> None:
    """Raises `Interrupted` if the user asked to stop; for work that simply starts again from its inputs."""
    if progress.should_stop():
        raise Interrupted("stopped as asked", do="Run the same command again to go on.")
