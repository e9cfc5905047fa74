"""Waits for texts that an engine writes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from penjing.inference.decoding.interface import WritingEngine
from penjing.inference.decoding.request import DecodeRequest, FinishReason, Token


@dataclass
class Collected:
    """A sink that keeps what comes.

    Attributes:
        tokens: so far.
        reason: why the text ended; None: it goes on.
        error: what happened, where that is the reason.
    """

    tokens: list[Token] = field(default_factory=list)
    reason: FinishReason | None = None
    error: Exception | None = None
    _done: threading.Event = field(default_factory=threading.Event, repr=False)

    def put(self, token: Token) -> None:
        """Takes the next token; see `Sink`."""
        self.tokens.append(token)

    def finish(self, reason: FinishReason, error: Exception | None = None) -> None:
        """The text is complete; see `Sink`."""
        self.reason, self.error = reason, error
        self._done.set()

    def wait(self) -> list[int]:
        """Returns the ids of the complete text.

        Raises:
            Exception: what happened, where the text could not be written.
        """
        self._done.wait()
        if self.error is not None:
            raise self.error
        return [token.id for token in self.tokens]


def write_all(engine: WritingEngine, requests: Sequence[DecodeRequest]) -> list[list[int]]:
    """Returns what an engine writes to each request, without the tokens that end texts."""
    sinks = [Collected() for _ in requests]
    for request, sink in zip(requests, sinks, strict=True):
        engine.submit(request, sink)
    return [sink.wait() for sink in sinks]
