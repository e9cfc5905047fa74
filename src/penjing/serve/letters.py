"""From the engine's thread to the event loop: what comes at the same time is handed over at once."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass

from penjing.inference.decoding.request import FinishReason, Token


@dataclass(frozen=True)
class End:
    """A text is complete.

    Attributes:
        reason: why.
        error: what happened, where that is the reason.
    """

    reason: FinishReason
    error: Exception | None = None


Letter = tuple[int, Token | End]  # the number of the text that it is of


class Inbox:
    """What comes for one request; all of it on the loop."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_expired = False

    def put(self, letter: Letter) -> None:
        """Takes a letter in."""
        self._letters.append(letter)
        self.wake()

    def expire(self) -> None:
        """Time is up: whoever takes letters hears of it."""
        self._is_expired = True
        self.wake()

    def wake(self) -> None:
        """Whoever waits for letters looks again, though none may have come."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self) -> list[Letter]:
        """Returns what has come, after waiting for something to come or to be woken.

        Raises:
            TimeoutError: time is up.
        """
        if not self._letters and not self._is_expired:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._is_expired:
            raise TimeoutError
        letters = list(self._letters)
        self._letters.clear()
        return letters


class Post:
    """Carries letters from the engine's thread to a loop, which is woken once for all that come in the meantime.

    Args:
        loop: of the inboxes.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._lock = loop, threading.Lock()
        self._carried: list[tuple[Inbox, Letter]] = []

    def send(self, inbox: Inbox, letter: Letter) -> None:
        """Sends a letter; called on any thread.

        Raises:
            RuntimeError: the loop is closed, and nobody takes letters any more.
        """
        with self._lock:
            self._carried.append((inbox, letter))
            is_first = len(self._carried) == 1
        if is_first:
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            carried, self._carried = self._carried, []
        for inbox, letter in carried:
            inbox.put(letter)


@dataclass(frozen=True)
class Sender:
    """A `Sink` that sends what the engine gives for one text.

    Attributes:
        post: carries it.
        inbox: of the request.
        number: of the text in the request.
    """

    post: Post
    inbox: Inbox
    number: int

    def put(self, token: Token) -> None:
        """Sends a token."""
        self.post.send(self.inbox, (self.number, token))

    def finish(self, reason: FinishReason, error: Exception | None = None) -> None:
        """Sends the end."""
        self.post.send(self.inbox, (self.number, End(reason, error)))
