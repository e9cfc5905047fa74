"""The thread that an engine works on, and the line of those who wait for it."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from penjing.errors import UsageError
from penjing.inference.decoding.interface import EngineClosedError, EngineFullError, Ticket
from penjing.inference.decoding.request import FinishReason, Sink

_log = logging.getLogger(__name__)


class Asked(Protocol):
    """A text that is asked for.

    Attributes:
        sink: takes it.
        cancelled: whether nobody wants it any more.
    """

    sink: Sink
    cancelled: bool


Item = TypeVar("Item", bound=Asked)


class EngineLoop(ABC, Generic[Item]):
    """Lets requests wait, and works on them on a thread of its own, turn by turn; an engine is one.

    Args:
        name: of the thread.
        most_waiting: requests.
    """

    def __init__(self, name: str, most_waiting: int) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Item] = deque()
        self._most_waiting = most_waiting
        self._closes = self._gives_up = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    @abstractmethod
    def _open(self) -> Sequence[Item]:
        """Returns the texts that are worked on."""

    @abstractmethod
    def _turn(self) -> None:
        """Begins with texts that wait, where there is room, and goes on with those that are open by one step."""

    @abstractmethod
    def _finish(self, text: Item, reason: FinishReason, error: Exception | None = None) -> None:
        """Works on an open text no more, and tells its sink."""

    def wake(self) -> None:
        """Lets the engine look at its texts again."""
        with self._changed:
            self._changed.notify()

    def close(self, drain_s: float = 0.0) -> None:
        """Takes no more requests, completes those that it has, and ends; see `WritingEngine`."""
        with self._changed:
            self._closes = True
            self._changed.notify()
        self._thread.join(drain_s)
        self._gives_up = True
        self.wake()
        self._thread.join()

    def _begin(self) -> None:
        """Starts the thread, once all is there that a turn needs."""
        self._thread.start()

    def _take(self, text: Item) -> Ticket:
        """Lets a text wait.

        Raises:
            EngineFullError: too many requests wait.
            EngineClosedError: the engine takes no more.
        """
        with self._changed:
            if self._closes:
                raise EngineClosedError("the engine takes no more requests", do="Ask another server, or later.")
            if len(self._waiting) >= self._most_waiting:
                raise EngineFullError(f"{len(self._waiting):,} requests wait already", do="Ask again in a while.")
            self._waiting.append(text)
            self._changed.notify()
        return _Ticket(self, text)

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not (self._open() or self._waiting or self._closes):
                    self._changed.wait()
                if self._closes and (self._gives_up or not (self._open() or self._waiting)):
                    break
            try:
                self._drop_cancelled()
                self._turn()
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever: its texts fail
                _log.exception("a step failed")
                self._finish_all(self._open(), "error", error)
        self._finish_all(self._open(), "cancelled")
        for text in self._waiting:
            tell_end(text, "cancelled")

    def _finish_all(self, texts: Iterable[Item], reason: FinishReason, error: Exception | None = None) -> None:
        for text in tuple(texts):
            self._finish(text, reason, error)

    def _drop_cancelled(self) -> None:
        self._finish_all([text for text in self._open() if text.cancelled], "cancelled")
        for text in [text for text in tuple(self._waiting) if text.cancelled]:
            self._waiting.remove(text)
            tell_end(text, "cancelled")


class _Ticket:
    """A request that was taken; see `Ticket`."""

    def __init__(self, engine: EngineLoop[Item], text: Asked) -> None:
        self._engine, self._text = engine, text

    def cancel(self) -> None:
        """Nobody wants the text any more; see `Ticket`."""
        self._text.cancelled = True
        self._engine.wake()


def tell_end(text: Asked, reason: FinishReason, error: Exception | None = None) -> None:
    """Tells the sink of a text that it is complete; harmless where nobody is there any more."""
    try:
        text.sink.finish(reason, error)
    except RuntimeError:
        _log.debug("nobody takes the end of a text")


def check_prompt(prompt: Sequence[int], vocab: int) -> None:
    """Refuses a prompt that no model can read.

    Raises:
        UsageError: it is empty, or has a token that is not in the vocabulary.
    """
    if not prompt:
        raise UsageError("the prompt has no tokens", do="Give at least one.")
    if not 0 <= min(prompt) <= max(prompt) < vocab:
        raise UsageError(f"the prompt has a token that is none of the {vocab:,}", do="Use its tokenizer.")
