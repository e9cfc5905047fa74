"""Where costly work on batches is done: in this process, in several on this machine, or on a Ray cluster.

Whatever the engine, results come in the order of the batches, so what is made of them is the same to the byte.
"""

from __future__ import annotations

import atexit
import multiprocessing
import pickle
import queue
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from typing import Any, Protocol, TypeVar

from penjing.errors import PenjingError, UsageError, nearest
from penjing.machine import count_cores

T = TypeVar("T")
R = TypeVar("R")
#: Makes the function from a batch to its result; it is pickled, and called once by each worker.
Prepare = Callable[[], Callable[[T], R]]

KINDS = ("local", "ray")
_AHEAD = 2  # batches in flight for each worker: one that is worked on, one that waits there
_STOPPING = frozenset({signal.SIGINT, signal.SIGTERM})


@dataclass(frozen=True)
class EngineSettings:
    """Where work is done; it changes nothing in the result.

    Attributes:
        kind: local or ray.
        workers: how many processes work at once; None: as many as cores where that is worth it, of a Ray cluster as
            many as it has processors.
        address: of a running Ray cluster; None: a local one is started.

    Raises:
        UsageError: the kind is not known, or an address is given for another one than ray.
    """

    kind: str = "local"
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f'"{self.kind}" is no engine', where="--engine", do=nearest(self.kind, KINDS))
        if self.address is not None and self.kind != "ray":
            raise UsageError(
                "only a Ray cluster has an address", where="--ray-address", do="Add --engine ray, or leave it out."
            )


AUTOMATIC = EngineSettings()
IN_THIS_PROCESS = EngineSettings(workers=1)


class Engine(Protocol):
    """Does the same work on many batches."""

    def map(self, prepare: Prepare[T, R], batches: Iterable[T]) -> Generator[R]:
        """Yields the result for each batch, in their order; a bounded number of batches is in flight.

        Close the iterator, or use it up: that ends the workers.

        Args:
            prepare: makes the function that does the work; pickled, if it goes to other processes.
            batches: what is worked on; pickled too.

        Raises:
            PenjingError: a worker has died. What the work itself raises comes as it is.
        """


def make_engine(settings: EngineSettings, *, is_worth_workers: bool) -> Engine:
    """Returns the engine that is asked for.

    Args:
        settings: what is asked for.
        is_worth_workers: whether the work is much more than what it costs to start processes.

    Raises:
        MissingExtraError: Ray is asked for and not installed.
    """
    if settings.kind == "ray":
        from penjing.data.ray_engine import RayEngine

        return RayEngine(settings.address, settings.workers)
    return LocalEngine(settings.workers or (count_cores() if is_worth_workers else 1))


def check_engine(settings: EngineSettings) -> None:
    """Checks, before any work is done, that an engine is installed.

    Raises:
        MissingExtraError: it is not.
    """
    make_engine(settings, is_worth_workers=False)


class LocalEngine:
    """Works in this process, or in some more on this machine.

    Args:
        workers: how many processes; 1 is this one.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(self, prepare: Prepare[T, R], batches: Iterable[T]) -> Generator[R]:
        """See `Engine.map`."""
        if self.workers == 1:
            work = prepare()
            yield from map(work, batches)
            return
        with _Processes(prepare, self.workers).running() as processes:
            yield from in_order(processes, batches, self.workers * _AHEAD)


class Crew(Protocol):
    """Workers that take batches and give results."""

    def submit(self, batch: Any) -> Any:
        """Hands a batch to a worker that has little to do; returns a ticket for its result."""

    def result(self, ticket: Any) -> Attempt:
        """Waits for a result."""


def in_order(crew: Crew, batches: Iterable[Any], most: int) -> Iterator[Any]:
    """Yields results in the order of the batches, with at most so many in flight; raises what the work raised."""
    tickets: deque[Any] = deque()
    for batch in batches:
        tickets.append(crew.submit(batch))
        if len(tickets) >= most:
            yield crew.result(tickets.popleft()).value()
    while tickets:
        yield crew.result(tickets.popleft()).value()


@dataclass(frozen=True)
class Attempt:
    """What came of a batch: a result, or an error."""

    found: Any = None
    error: Exception | None = None

    def value(self) -> Any:
        """Returns the result, or raises the error."""
        if self.error is not None:
            raise self.error
        return self.found


class Worker:
    """Works on batches, one after the other; prepares itself when the first one comes.

    Args:
        prepare: makes the function that does the work.
    """

    def __init__(self, prepare: Prepare[Any, Any]) -> None:
        self._prepare = prepare
        self._work: Callable[[Any], Any] | None = None

    def attempt(self, batch: Any) -> Attempt:
        """Returns what came of a batch; an error, too, is one that another process can read."""
        try:
            if self._work is None:
                self._work = self._prepare()
            return Attempt(self._work(batch))
        except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
            return Attempt(error=_portable(error))


def _portable(error: Exception) -> Exception:
    """Returns an error as it can be pickled, with its traceback as a note for --debug."""
    error.add_note(traceback.format_exc())
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:  # noqa: BLE001 - whatever the pickling of a foreign error raises
        return RuntimeError(f"{type(error).__name__}: {error}")


class _Processes:
    """Processes that are started when there is work for them, each with a pipe.

    They are spawned, not forked: this process may have threads. A pipe of its own for each makes that all of them end
    with this process, even if it is killed, and that the death of one is seen.
    """

    def __init__(self, prepare: Prepare[Any, Any], most: int) -> None:
        self._prepare, self._most = prepare, most
        self._workers: list[_Process] = []
        self._done: dict[int, Attempt] = {}
        self._submitted = 0

    @contextmanager
    def running(self) -> Iterator[_Processes]:
        """Yields itself; at the end all processes have ended, whatever happened."""
        atexit.register(self.end)
        try:
            yield self
        finally:
            self.end()
            atexit.unregister(self.end)

    def submit(self, batch: Any) -> int:
        """See `Crew.submit`."""
        self._collect(timeout_s=0)
        idle = [worker for worker in self._workers if not worker.tickets]
        if not idle and len(self._workers) < self._most:
            idle = [_Process(self._prepare)]
            self._workers += idle
        worker = idle[0] if idle else min(self._workers, key=lambda worker: len(worker.tickets))
        ticket = self._submitted
        worker.send(batch, ticket)
        self._submitted += 1
        return ticket

    def result(self, ticket: int) -> Attempt:
        """See `Crew.result`."""
        while ticket not in self._done:
            self._collect(timeout_s=None)
        return self._done.pop(ticket)

    def _collect(self, timeout_s: float | None) -> None:
        """Takes what results there are, or waits for the first."""
        by_pipe = {worker.pipe: worker for worker in self._workers}
        for pipe in connection.wait(by_pipe, timeout_s):
            worker = by_pipe[pipe]  # type: ignore[index]
            found = worker.receive()  # before its ticket is looked at
            self._done[worker.tickets.popleft()] = found

    def end(self) -> None:
        """Ends all processes; they hold nothing that could be lost."""
        while self._workers:
            self._workers.pop().end()


class _Process:
    """One process, and the batches that it has.

    Attributes:
        pipe: to it.
        tickets: of its batches, in order.
    """

    def __init__(self, prepare: Prepare[Any, Any]) -> None:
        spawning = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawning.Pipe()
        self.tickets: deque[int] = deque()
        self._process = spawning.Process(target=_serve, args=(theirs, prepare), name="penjing worker")
        with _without_stopping():
            self._process.start()
        theirs.close()  # only the worker has it now: when that ends, the pipe does

    def send(self, batch: Any, ticket: int) -> None:
        """Hands over a batch."""
        try:
            self.pipe.send(batch)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._died() from error
        self.tickets.append(ticket)

    def receive(self) -> Attempt:
        """Returns the next result."""
        try:
            found: Attempt = self.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise self._died() from error
        return found

    def _died(self) -> PenjingError:
        self._process.join()
        code = self._process.exitcode or 0
        how = f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended by itself, with code {code}"
        do = "Most often the memory was used up: run the same command again with fewer --workers."
        return PenjingError(f"a worker process {how} in the middle of its work", do=do)

    def end(self) -> None:
        """Ends it at once."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


@contextmanager
def _without_stopping() -> Iterator[None]:
    """Holds Ctrl-C and SIGTERM back; a process that starts meanwhile never gets them.

    A terminal sends Ctrl-C to all processes, and a system that stops a service SIGTERM: only this one shall hear them,
    and end the others.
    """
    resource_tracker.ensure_running()  # started with the first process otherwise, it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: connection.Connection, prepare: Prepare[Any, Any]) -> None:
    """What a worker process does, until its pipe ends."""
    batches: queue.SimpleQueue[Any] = queue.SimpleQueue()
    # Batches are taken at once, by a thread: who sends one never waits for this worker, which may itself be waiting to
    # hand over a result.
    threading.Thread(target=_receive, args=(pipe, batches), daemon=True).start()
    worker = Worker(prepare)
    with suppress(BrokenPipeError, ConnectionResetError):  # nobody is there any more
        while (batch := batches.get()) is not None:
            pipe.send(worker.attempt(batch))


def _receive(pipe: connection.Connection, batches: queue.SimpleQueue[Any]) -> None:
    try:
        while True:
            batches.put(pipe.recv())
    except (EOFError, OSError):
        batches.put(None)
