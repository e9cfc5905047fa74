"""Puts requests that wait at the same time into one batch; each model has one thread that computes."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from penjing.errors import PenjingError
from penjing.progress import Silent

Row = TypeVar("Row")
Answer = TypeVar("Answer")
MOST_ROWS = 64  # in a batch: with a small encoder it takes well under a second, so nobody waits long
MOST_TOKENS = 32_768  # in a batch: so many rows of 512; between two batches it is seen who still waits
MOST_WAITING = 16384
_CLOSE_S, _REST_S = 30.0, 3.0


class BatcherFullError(PenjingError):
    """So much waits that one request more would wait too long."""


@dataclass(eq=False)
class _Job:
    """A request: its rows, and the answers there are so far."""

    key: Hashable
    compute: Callable[[Sequence[Any]], Sequence[Any]]
    rows: Sequence[Any]
    future: asyncio.Future[list[Any]]
    tokens: Sequence[int]
    answers: list[Any] = field(default_factory=list)

    def rest(self) -> Sequence[Any]:
        return self.rows[len(self.answers) :]

    def fitting(self, rows: int, tokens: int, *, at_least: int) -> tuple[Sequence[Any], int]:
        """Returns the next rows, no more than there is room for, and how many tokens they have."""
        first, taken, count = len(self.answers), 0, 0
        for size in self.tokens[first : first + rows]:
            if count >= at_least and taken + size > tokens:
                break
            taken, count = taken + size, count + 1
        return self.rows[first : first + count], taken


@dataclass
class _Part:
    """Rows of a request that are computed in one batch with those of others, and what came of it."""

    job: _Job
    rows: Sequence[Any]
    answers: Sequence[Any] = ()
    error: Exception | None = None


class _Wanted(Silent):
    """Tells what is computed to stop where nobody waits for it any more."""

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self._is_wanted = is_wanted

    def should_stop(self) -> bool:
        return not self._is_wanted()


class Batcher:
    """Computes the rows of requests in batches.

    While a batch is computed, requests wait; those with an equal key are then computed together. Nothing waits for
    others to come: a request that finds the thread idle is computed at once. Requests take turns: a long one lets those
    behind it pass after each batch of its own.

    Args:
        name: of the thread.
        most_rows: in a batch.
        most_waiting: rows that may wait; beyond them requests are refused.
        most_tokens: in a batch; a row that has more is a batch of its own.

    Attributes:
        progress: of what is computed now, for work that can stop in its midst: it says so where all who asked are gone,
            or the batcher ends.
    """

    def __init__(
        self,
        name: str = "batcher",
        most_rows: int = MOST_ROWS,
        most_waiting: int = MOST_WAITING,
        most_tokens: int = MOST_TOKENS,
    ) -> None:
        self._most_rows, self._most_waiting, self._most_tokens = most_rows, most_waiting, most_tokens
        self._jobs: deque[_Job] = deque()
        self._now: list[_Part] = []
        self._waiting = 0
        self._changed = threading.Condition()
        self._is_closed = self._gives_up = False
        self.progress = _Wanted(self._is_wanted)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many rows wait or are computed now."""
        return self._waiting

    async def run(
        self,
        key: Hashable,
        compute: Callable[[Sequence[Row]], Sequence[Answer]],
        rows: Sequence[Row],
        tokens: Sequence[int] | None = None,
    ) -> list[Answer]:
        """Returns what ``compute`` says of each row, in order.

        Args:
            key: equal where rows may be computed in one call.
            compute: called on the thread, with rows of this request and of others that have the key.
            rows: of this request.
            tokens: that each row has the model read, about; None: so few that they need not be counted.

        Raises:
            BatcherFullError: too many rows wait, or it was closed.
            Exception: what ``compute`` raised about these rows; what it raised about those of others is theirs alone.
        """
        if not rows:
            return []
        future: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        with self._changed:
            if self._is_closed or self._waiting + len(rows) > self._most_waiting:
                what = f"{self._waiting:,} rows wait, and {len(rows):,} more are too many"
                raise BatcherFullError(what, do="Ask again in a moment, or send fewer at once.")
            self._jobs.append(_Job(key, compute, rows, future, [0] * len(rows) if tokens is None else tokens))
            self._waiting += len(rows)
            self._changed.notify()
        return await future

    def close(self, drain_s: float = _CLOSE_S) -> bool:
        """Computes what waits, then ends the thread; what comes later is refused.

        Args:
            drain_s: so long at most; what is not computed then is refused, too, and what is being computed is told to
                stop.

        Returns:
            Whether the thread ended; one that is in the midst of what cannot stop is left alone.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join(drain_s)
        with self._changed:
            self._gives_up = True
            self._changed.notify()
        self._thread.join(_REST_S)
        return not self._thread.is_alive()

    def _is_wanted(self) -> bool:
        return not (self._gives_up or all(part.job.future.cancelled() for part in self._now))

    def _work(self) -> None:
        while parts := self._take():
            if not self._gives_up:
                self._compute(parts)
            self._settle(parts)
            self._now = []
            del parts  # while it waits for others, nothing of these is kept

    def _compute(self, parts: list[_Part]) -> None:
        """Computes a batch; where it fails, each request by itself, so that only the one to blame hears of it."""
        self._now = parts
        try:
            answers = list(parts[0].job.compute([row for part in parts for row in part.rows]))
        except Exception as error:  # noqa: BLE001 - it goes to who asked
            if len(parts) == 1:
                parts[0].error = _ended() if self._gives_up else error
                return
            for part in parts:
                self._compute([part])
            return
        start = 0
        for part in parts:
            part.answers = answers[start : start + len(part.rows)]
            start += len(part.rows)

    def _take(self) -> list[_Part]:
        """Returns the next batch, waiting for one; nothing where no more will come."""
        with self._changed:
            while True:
                self._drop_abandoned()
                if self._gives_up:
                    left, self._jobs = self._jobs, deque()
                    return [_Part(job, (), error=_ended()) for job in left]
                if self._jobs or self._is_closed:
                    return self._next_parts()
                self._changed.wait()

    def _next_parts(self) -> list[_Part]:
        parts: list[_Part] = []
        passed: list[_Job] = []
        room, tokens = self._most_rows, self._most_tokens
        while self._jobs and room:
            job = self._jobs.popleft()
            if parts and job.key != parts[0].job.key:
                passed.append(job)
                continue
            rows, taken = job.fitting(room, tokens, at_least=0 if parts else 1)
            if not rows:
                passed.append(job)
                break
            parts.append(_Part(job, rows))
            room, tokens = room - len(rows), tokens - taken
        self._jobs.extendleft(reversed(passed))
        return parts

    def _drop_abandoned(self) -> None:
        for job in [job for job in self._jobs if job.future.cancelled()]:
            self._jobs.remove(job)
            self._waiting -= len(job.rest())

    def _settle(self, parts: list[_Part]) -> None:
        """Puts requests with more rows at the end of the line, and wakes those that are complete: a loop at a time."""
        complete: dict[asyncio.AbstractEventLoop, list[_Part]] = {}
        with self._changed:
            for part in parts:
                rest = len(part.job.rest())
                part.job.answers += part.answers
                self._waiting -= rest if part.error else len(part.rows)
                if part.error is None and part.job.rest():
                    self._jobs.append(part.job)
                else:
                    complete.setdefault(part.job.future.get_loop(), []).append(part)
        for loop, settled in complete.items():
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_deliver, settled)


def _ended() -> BatcherFullError:
    return BatcherFullError("the server ended before this was computed", do="Ask again.")


def _deliver(parts: list[_Part]) -> None:
    for part in parts:
        future = part.job.future
        if future.done():
            continue
        if part.error is not None:
            future.set_exception(part.error)
        else:
            future.set_result(part.job.answers)
