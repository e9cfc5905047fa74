"""Work on batches on a Ray cluster, or on a local Ray."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from penjing.data.engine import Attempt, Prepare, R, T, Worker, in_order
from penjing.errors import MissingExtraError, PenjingError, UsageError
from penjing.machine import count_cores

_AHEAD = 2  # batches in flight for each worker
_ANSWERS_IN_S = 10
# Ray reports to its makers, and to the log of this process, unless it is told not to before it is imported.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


class RayEngine:
    """Works in actors of a Ray cluster, one processor each.

    Penjing, with the same extras, must be installed on the cluster's machines; texts and settings are sent there,
    files are read and written here.

    Args:
        address: of a running cluster, HOST:PORT or auto; None: a local one is started, and ended at the end.
        workers: how many; None: as many as there are processors.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("ray", "cluster", "The engine ray")
        self._address, self._workers = address, workers

    def map(self, prepare: Prepare[T, R], batches: Iterable[T]) -> Generator[R]:
        """See `penjing.data.engine.Engine.map`.

        Raises:
            UsageError: there is no cluster at the address, or it has fewer processors than workers are asked for.
        """
        with self.connected() as ray:
            workers = self._count(ray)
            actors = _Actors(ray, prepare, workers)
            try:
                yield from in_order(actors, batches, workers * _AHEAD)
            finally:
                actors.end()

    @contextmanager
    def connected(self) -> Iterator[Any]:
        """Yields the module, connected; a connection that was there before stays."""
        ray = _import_ray()
        if ray.is_initialized():
            yield ray
            return
        # "local" starts one even if RAY_ADDRESS names another, or one runs on this machine.
        address = self._address or "local"
        here = {} if self._address else {"num_cpus": self._workers or count_cores(), "include_dashboard": False}
        with _own_signals():
            try:
                _knock(address)
                ray.init(address, logging_level=logging.ERROR, log_to_driver=False, **here)
            except (OSError, RuntimeError, ValueError) as error:
                raise UsageError(
                    f"there is no Ray to work on ({_first_line(error)})",
                    where=f"--ray-address {self._address}" if self._address else "--engine ray",
                    do="Give the address of a running cluster, with the same versions of Ray and Python as here and a "
                    "token that both know (see Ray's token authentication), or leave --ray-address out to start one.",
                ) from error
        try:
            yield ray
        finally:
            ray.shutdown()

    def _count(self, ray: Any) -> int:
        there = int(ray.cluster_resources().get("CPU", 0))
        wanted = self._workers or there
        if not 0 < wanted <= there:
            raise UsageError(
                f"the Ray cluster has {there} processors, and {max(wanted, 1)} workers are asked for",
                where="--workers",
                do="Ask for fewer, or add machines.",
            )
        return wanted


class _Actors:
    """The workers on a cluster."""

    def __init__(self, ray: Any, prepare: Prepare[Any, Any], workers: int) -> None:
        self._ray = ray
        kind = ray.remote(num_cpus=1)(Worker)
        what = ray.put(prepare)
        self._actors = [kind.remote(what) for _ in range(workers)]
        self._holders: dict[Any, int] = {}  # of what is not done yet: which actor has it

    def submit(self, batch: Any) -> Any:
        """See `penjing.data.engine.Crew.submit`."""
        if self._holders:
            done, _ = self._ray.wait(list(self._holders), num_returns=len(self._holders), timeout=0)
            for ticket in done:
                del self._holders[ticket]
        loads = list(self._holders.values())
        chosen = min(range(len(self._actors)), key=loads.count)
        ticket = self._actors[chosen].attempt.remote(batch)
        self._holders[ticket] = chosen
        return ticket

    def result(self, ticket: Any) -> Attempt:
        """See `penjing.data.engine.Crew.result`."""
        try:
            found: Attempt = self._ray.get(ticket)
            return found
        except self._ray.exceptions.RayError as error:
            raise PenjingError(
                f"a worker on Ray has failed ({_first_line(error)})",
                do="Run the same command again. If it could not start, install Penjing with the same extras on the "
                "cluster's machines; if the memory was used up, give fewer --workers.",
            ) from error

    def end(self) -> None:
        """Ends all workers, also what they are doing."""
        for actor in self._actors:
            self._ray.kill(actor)


def _knock(address: str) -> None:
    """Asks whether anybody is at HOST:PORT, for Ray itself asks for minutes.

    Raises:
        OSError: there is nobody.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), _ANSWERS_IN_S).close()


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keeps what this process does on Ctrl-C and SIGTERM; Ray would exit on the latter."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _import_ray() -> Any:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    return ray
