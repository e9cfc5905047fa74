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

Row = TypeVar("Row")
Answer = TypeVar("Answer")
MOST_ROWS = 64  # in a batch: with a small encoder it takes well under a second, so nobody waits long
MOST_WAITING = 16384


class BatcherFullError(PenjingError):
    """So much waits that one request more would wait too long."""


@dataclass(eq=False)
class _Job:
    """A request: its rows, and the answers there are so far."""

    key: Hashable
    compute: Callable[[Sequence[Any]], Sequence[Any]]
    rows: Sequence[Any]
    future: asyncio.Future[list[Any]]
    answers: list[Any] = field(default_factory=list)

    def rest(self) -> Sequence[Any]:
        return self.rows[len(self.answers) :]


@dataclass
class _Part:
    """Rows of a request that are computed in one batch with those of others, and what came of it."""

    job: _Job
    rows: Sequence[Any]
    answers: Sequence[Any] = ()
    error: Exception | None = None


class Batcher:
    """Computes the rows of requests in batches.

    While a batch is computed, requests wait; those with an equal key are then computed together. Nothing waits for
    others to come: a request that finds the thread idle is computed at once. Requests take turns: a long one lets those
    behind it pass after each batch of its own.

    Args:
        name: of the thread.
        most_rows: in a batch.
        most_waiting: rows that may wait; beyond them requests are refused.
    """

    def __init__(self, name: str = "batcher", most_rows: int = MOST_ROWS, most_waiting: int = MOST_WAITING) -> None:
        self._most_rows, self._most_waiting = most_rows, most_waiting
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many rows wait or are computed now."""
        return self._waiting

    async def run(
        self, key: Hashable, compute: Callable[[Sequence[Row]], Sequence[Answer]], rows: Sequence[Row]
    ) -> list[Answer]:
        """Returns what ``compute`` says of each row, in order.

        Args:
            key: equal where rows may be computed in one call.
            compute: called on the thread, with rows of this request and of others that have the key.
            rows: of this request.

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
            self._jobs.append(_Job(key, compute, rows, future))
            self._waiting += len(rows)
            self._changed.notify()
        return await future

    def close(self) -> None:
        """Computes what waits, then ends the thread; what comes later is refused."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while parts := self._take():
            _compute(parts)
            self._settle(parts)

    def _take(self) -> list[_Part]:
        """Returns the next batch, waiting for one; nothing where no more will come."""
        with self._changed:
            while True:
                self._drop_abandoned()
                if self._jobs or self._is_closed:
                    return self._next_parts()
                self._changed.wait()

    def _next_parts(self) -> list[_Part]:
        parts: list[_Part] = []
        passed: list[_Job] = []
        room = self._most_rows
        while self._jobs and room:
            job = self._jobs.popleft()
            if parts and job.key != parts[0].job.key:
                passed.append(job)
                continue
            parts.append(_Part(job, job.rest()[:room]))
            room -= len(parts[-1].rows)
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


def _compute(parts: list[_Part]) -> None:
    """Computes a batch; where it fails, each request by itself, so that only the one to blame hears of it."""
    try:
        answers = list(parts[0].job.compute([row for part in parts for row in part.rows]))
    except Exception as error:  # noqa: BLE001 - it goes to who asked
        if len(parts) == 1:
            parts[0].error = error
            return
        for part in parts:
            _compute([part])
        return
    start = 0
    for part in parts:
        part.answers = answers[start : start + len(part.rows)]
        start += len(part.rows)


def _deliver(parts: list[_Part]) -> None:
    for part in parts:
        future = part.job.future
        if future.done():
            continue
        if part.error is not None:
            future.set_exception(part.error)
        else:
            future.set_result(part.job.answers)
