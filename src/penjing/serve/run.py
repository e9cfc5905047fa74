"""Starts a server, and ends it in good order."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from penjing.errors import MissingExtraError, UsageError
from penjing.serve.settings import ServeSettings

_MOST_FILES = 65_536
_REST_S = 5.0  # after the last moment for requests: what is left then is left
_log = logging.getLogger("penjing.serve")


def run_server(settings: ServeSettings, say: Callable[[str], None]) -> None:
    """Serves until it is told to end.

    SIGTERM and SIGINT: no new requests are taken on, and those that were accepted are finished, as far as there is time
    for that; a second one ends the process at once. SIGHUP: models whose folders changed are replaced, and the
    certificate is read again.

    Args:
        settings: how it is set up.
        say: told the address, once it can be called.

    Raises:
        MissingExtraError: the packages of a server are not installed.
        UsageError: the port is in use, or may not be used, or the certificate is none.
        ModelFolderError: a folder is no model's.
    """
    try:
        import fastapi  # noqa: F401
        import httptools  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise MissingExtraError(error.name or "fastapi", "serve", "a server") from error
    from penjing.serve.protocol import make_protocol

    _raise_file_limit()
    listener = _listen(settings.host, settings.port)
    app = make_app(settings)
    limits, certificate = settings.limits, settings.certificate
    config = uvicorn.Config(
        app,
        http=make_protocol(limits.header_s, limits.connections),
        log_config=None,
        access_log=False,
        timeout_keep_alive=max(1, round(limits.header_s)),
        server_header=False,
        ws="none",
        backlog=2048,
        ssl_certfile=certificate and certificate.chain,
        ssl_keyfile=certificate and certificate.key,
    )
    host, port = listener.getsockname()[:2]
    address = f"{settings.scheme}://[{host}]:{port}" if ":" in host else f"{settings.scheme}://{host}:{port}"
    server = _server_class(uvicorn.Server)(config, app, lambda: say(address))
    server.run(sockets=[listener])
    if server.force_exit or not app.state.context.rest_s or app.state.context.pool.left_loading:
        _leave_at_once()
    server.last_moment.cancel()


def open_log() -> None:
    """Has what the server says, a line for each request among it, written on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("penjing.serve").setLevel(logging.INFO)


def make_app(settings: ServeSettings) -> Any:
    """Returns the application of a server, for this process.

    Raises:
        UsageError: the file of keys is missing or broken.
        ModelFolderError: a folder is no model's.
    """
    from penjing.serve.app import build_app
    from penjing.serve.pool import ModelPool

    if settings.threads is not None:
        import torch

        torch.set_num_threads(settings.threads)
    return build_app(ModelPool(settings), settings)


def _server_class(base: type[Any]) -> type[Any]:
    """Returns uvicorn's server, with an end that lets accepted requests finish."""

    class Server(base):  # type: ignore[misc]
        def __init__(self, config: Any, app: Any, ready: Callable[[], None]) -> None:
            super().__init__(config)
            self._context, self._ready = app.state.context, ready
            self._drain: asyncio.Task[None] | None = None
            self.last_moment = threading.Timer(self._context.settings.limits.drain_s + _REST_S, _leave_at_once)
            self.last_moment.daemon = True

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            self._loop = asyncio.get_running_loop()
            await super().startup(sockets=[])
            header_s = self._context.settings.limits.header_s
            self.servers = [await _take_connections(self, listener, header_s) for listener in sockets or ()]
            if hasattr(signal, "SIGHUP"):
                self._loop.add_signal_handler(signal.SIGHUP, self._reload)
            self._ready()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if self._context.draining:
                self.force_exit = self.should_exit = True
            else:
                self._context.set_end()
                self.last_moment.start()
                self._loop.call_soon_threadsafe(self._begin_to_end)

        def _begin_to_end(self) -> None:
            self._drain = self._loop.create_task(self._finish())

        async def _finish(self) -> None:
            """Waits until what was accepted is answered; meanwhile the server says that it is not ready."""
            context = self._context
            _log.info("asked to end: %d requests are finished first", context.in_flight)
            while context.in_flight and context.rest_s:
                await asyncio.sleep(0.05)
            self.config.timeout_graceful_shutdown = context.rest_s
            self.should_exit = True

        def _reload(self) -> None:
            self._renew_certificate()
            self._reloading = self._loop.create_task(self._context.pool.reload())

        def _renew_certificate(self) -> None:
            certificate = self._context.settings.certificate
            if certificate is None:
                return
            try:
                certificate.load_into(self.config.ssl)
            except UsageError as error:
                _log.warning("the certificate stays as it was: %s", error)

    return Server


async def _take_connections(server: Any, listener: socket.socket, header_s: float) -> asyncio.Server:
    """Takes connections as uvicorn does, which would wait a minute for one that does not begin with TLS."""
    config = server.config

    def make_protocol() -> asyncio.Protocol:
        protocol: asyncio.Protocol = config.http_protocol_class(
            config=config, server_state=server.server_state, app_state=server.lifespan.state
        )
        return protocol

    return await asyncio.get_running_loop().create_server(
        make_protocol,
        sock=listener,
        ssl=config.ssl,
        backlog=config.backlog,
        ssl_handshake_timeout=header_s if config.ssl else None,
    )


def _leave_at_once() -> None:
    """Ends the process without Python's own end: engines are still at work, and that end would abort in their midst."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _raise_file_limit() -> None:
    """Takes as many open files, and so connections, as the system grants."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        said = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise UsageError(
            f"port {port} of {host} {said}",
            where="--port",
            do="Give another, or --port 0 to take one that is free.",
        ) from error
    return listener
