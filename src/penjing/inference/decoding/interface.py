"""What writes texts for many who ask at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from penjing.errors import PenjingError
from penjing.inference.decoding.request import DecodeRequest, EngineStats, Sink


class EngineFullError(PenjingError):
    """So many requests wait already that no more is taken."""


class EngineClosedError(PenjingError):
    """The engine takes no more requests."""


@dataclass(frozen=True)
class EngineLimits:
    """How much an engine does at once.

    Attributes:
        texts: most that are written at once; one that is searched for counts once for each beam.
        waiting: most that wait for their turn.
        prompt_rows: most tokens of prompts that are read in a step beside other texts, which wait so long for their
            next token.
        drafts: most tokens that are supposed for a text and checked in one step.
        drafting_texts: nothing is supposed where more texts than this are written.
    """

    texts: int = 64
    waiting: int = 1024
    prompt_rows: int = 256
    drafts: int = 6
    drafting_texts: int = 2


class Ticket(Protocol):
    """A request that was taken."""

    def cancel(self) -> None:
        """Nobody wants the text any more; its sink is told when it is given up. Harmless when it is complete."""


class WritingEngine(Protocol):
    """Writes texts on a thread of its own."""

    @property
    def longest_row(self) -> int:
        """Tokens that a text can have, its prompt counted."""

    @property
    def vocab(self) -> int:
        """Entries of the vocabulary."""

    def submit(self, request: DecodeRequest, sink: Sink) -> Ticket:
        """Takes a request; may be called on any thread.

        Raises:
            UsageError: it asks for what cannot be.
            EngineFullError: too many requests wait.
            EngineClosedError: the engine takes no more.
        """

    def stats(self) -> EngineStats:
        """Returns what is done now, and was done."""

    def close(self, drain_s: float = 0.0) -> None:
        """Takes no more requests, completes those that it has, and ends.

        Args:
            drain_s: so long at most; texts that are not complete then are cancelled.
        """
