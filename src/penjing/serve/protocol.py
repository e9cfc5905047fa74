"""HTTP as uvicorn speaks it, without endless patience: for connections that say nothing, or never finish saying it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_HEADER_BYTES = 64 << 10
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """Closes connections on which a request does not come in time, and those beyond a number.

    Attributes:
        header_s: time for the line and the headers of a request to come in, from when the connection was made or the
            answer before was sent; the connection is closed then.
        most_connections: open ones; one more is closed at once.
    """

    header_s: ClassVar[float]
    most_connections: ClassVar[int]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._header_bytes, self._in_headers = 0, True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.close()
            return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing() or not self._waits_for_headers():
            self._header_bytes = 0
            return
        self._start_timer()
        self._header_bytes += len(data)
        if self._header_bytes > _MOST_HEADER_BYTES:
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer()
        self._in_headers = True

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._in_headers = False
        super().on_headers_complete()

    def _waits_for_headers(self) -> bool:
        """Whether a request has begun that is not known yet, or something came that begins none."""
        answered = self.cycle is None or self.cycle.response_complete
        return self._in_headers or (answered and self.timeout_keep_alive_task is None)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.header_s, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def make_protocol(header_s: float, connections: int) -> type[PatientProtocol]:
    """Returns the protocol of a server; see `PatientProtocol`."""
    return type("ServedProtocol", (PatientProtocol,), {"header_s": header_s, "most_connections": connections})
