"""Several copies of a server on a Ray cluster, or on a local Ray, behind one address: the same routes, by Ray Serve."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from penjing.data.ray_engine import RayEngine
from penjing.errors import MissingExtraError, PenjingError
from penjing.serve.served import read_checked
from penjing.serve.settings import ServeSettings

_NAME = "penjing"
#: Ray kills a proxy that is not ready so soon, and a busy machine takes longer than the 5 s that it gives.
_PATIENCE = {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60"}
_COLORS = re.compile(r"\x1b\[\d*m")
_HEALTH_REQUESTS = 64  # beside those that are worked on


def run_replicas(settings: ServeSettings, replicas: int, address: str | None, say: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT; then what was accepted is completed, and the replicas end.

    Each replica has its own models and engines, and counts for itself: what a key may send, and how many requests are
    worked on at once, holds for each replica.

    Args:
        settings: of each replica; the model folders and the file of keys must be there on every machine.
        replicas: how many.
        address: of a running cluster; None: a local Ray is started, and ended at the end.
        say: told the address, once it can be called.

    Raises:
        MissingExtraError: Ray Serve is not installed.
        UsageError: there is no cluster at the address, or the draft cannot suppose the tokens of a model.
        ModelFolderError: a file of a model is missing or broken.
        PenjingError: Ray could not start the replicas.
    """
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("grpc") is None:
        raise MissingExtraError("ray[serve]", "cluster", "The engine ray")
    for name in settings.folders:  # what a replica says of them is lost in Ray's logs
        read_checked(settings, name)
    port = settings.port or _find_port(settings.host)
    engine = RayEngine(address, max(replicas, 1) * (settings.threads or 1))
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    with _told_to_end() as ends, engine.connected():
        serve: Any = importlib.import_module("ray.serve")
        with _failing_in_words():
            serve.start(proxy_location="HeadOnly", http_options=_http_options(settings, port))
            serve.run(_deployment(serve, settings, replicas).bind(), name=_NAME, route_prefix="/")
        say(f"{settings.scheme}://{settings.host}:{port}")
        ends.wait()
        serve.shutdown()


def _http_options(settings: ServeSettings, port: int) -> dict[str, Any]:
    options: dict[str, Any] = {"host": settings.host, "port": port}
    if settings.certificate is not None:
        chain, key = settings.certificate
        options |= {"ssl_certfile": str(chain.absolute()), "ssl_keyfile": str((key or chain).absolute())}
    return options


def _deployment(serve: Any, settings: ServeSettings, replicas: int) -> Any:
    def build() -> Any:
        from penjing.serve.run import make_app, open_log

        open_log()
        return make_app(settings)

    limits = settings.limits
    options = serve.deployment(
        name=_NAME,
        num_replicas=replicas,
        max_ongoing_requests=limits.at_once + _HEALTH_REQUESTS,
        graceful_shutdown_timeout_s=limits.drain_s,
        ray_actor_options={"num_cpus": settings.threads or 1},
    )

    class Replica:
        """Where a copy lives; the application answers."""

    return options(serve.ingress(build)(Replica))


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Gives what is set when this process is told to end."""
    ends = threading.Event()
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in kept:
        signal.signal(number, lambda *_: ends.set())
    try:
        yield ends
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def _failing_in_words() -> Iterator[None]:
    """Makes an error of Penjing of what Ray raises."""
    exceptions: Any = importlib.import_module("ray.exceptions")
    try:
        yield
    except (exceptions.RayError, RuntimeError, TimeoutError) as error:
        lines = [line.strip() for line in _COLORS.sub("", str(error)).splitlines() if line.strip()]
        raise PenjingError(
            f"Ray could not start the replicas ({lines[-1].rstrip('.') if lines else type(error).__name__})",
            where="--engine ray",
            do="Look that the port is free, ask for fewer --replicas, and read what Ray logged: "
            "/tmp/ray/session_latest/logs/serve on the first machine.",
        ) from error


def _find_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
