"""How often, and how many at once: for each key, or each address where there are no keys."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from penjing.serve.failures import busy
from penjing.serve.settings import Limits

_MOST_CLIENTS = 10_000  # that are remembered; who is idle longest is forgotten first
_BURST_S = 6.0


@dataclass
class _Client:
    """What a client has used up.

    Attributes:
        tokens: requests that it may send now; it gains one each 60 s / rate (a token bucket).
        since: when they were counted.
        at_once: requests that are worked on.
    """

    tokens: float
    since: float
    at_once: int = 0


class ClientLimits:
    """Keeps count of clients.

    Args:
        limits: of the server.
        now: a clock in seconds.
    """

    def __init__(self, limits: Limits, now: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._now = limits, now
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        rate = limits.requests_a_minute
        self._burst = float(limits.burst or max(1.0, (rate or 0) * _BURST_S / 60))

    @contextmanager
    def admit(self, name: str) -> Iterator[None]:
        """Lets a request of a client in, and counts it until it is answered.

        Raises:
            RequestError: it sent too many, or too many at once (429).
        """
        client = self._find(name)
        most = self._limits.at_once_a_key
        if most is not None and client.at_once >= most:
            raise busy(f"{most} requests of yours are worked on already. Wait until one is answered.")
        self._spend(client)
        client.at_once += 1
        try:
            yield
        finally:
            client.at_once -= 1

    def _find(self, name: str) -> _Client:
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = _Client(self._burst, self._now())
            if len(self._clients) > _MOST_CLIENTS:
                idle = next((key for key, other in self._clients.items() if not other.at_once), None)
                if idle is not None:
                    del self._clients[idle]
        self._clients.move_to_end(name)
        return client

    def _spend(self, client: _Client) -> None:
        rate = self._limits.requests_a_minute
        if rate is None:
            return
        now = self._now()
        client.tokens = min(self._burst, client.tokens + (now - client.since) * rate / 60)
        client.since = now
        if client.tokens < 1:
            wait_s = (1 - client.tokens) * 60 / rate
            raise busy(f"You may send {rate:g} requests a minute, and sent more. Wait {wait_s:.1f} s.", wait_s)
        client.tokens -= 1
