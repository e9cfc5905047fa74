"""Who may use a server: whoever has a key; where there are no keys, programs of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from penjing.serve.failures import RequestError
from penjing.serve.key_desk import KeyDesk
from penjing.serve.keys import KeyRing
from penjing.serve.settings import ServeSettings, is_loopback


class Access:
    """Decides who is let in.

    Args:
        settings: of the server.

    Raises:
        UsageError: the file of keys is missing or broken.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._ring = KeyRing(settings.keys) if settings.keys is not None else None
        self._desk, self._looking = KeyDesk(), asyncio.Lock()
        self._hosts = frozenset(host.lower() for host in settings.hosts)
        self._origins = frozenset(settings.origins)

    async def check(self, headers: Mapping[str, str], address: str) -> str:
        """Returns whose a request is: the id of a key, or an address where there are no keys.

        Raises:
            RequestError: the key is missing or wrong (401), too many from there were wrong (429), or the request comes
                by way of a page from elsewhere (403).
        """
        if self._ring is None:
            self._check_place(headers)
            return address
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise _no_entry("There is no key. Send it as the header Authorization: Bearer KEY.", "missing_api_key")
        found = self._ring.remember(key.strip()) or await self._look_at(self._ring, key.strip(), address)
        if found is None:
            raise _no_entry("The key is wrong, or was revoked. Ask whoever runs the server.", "invalid_api_key")
        return found

    async def _look_at(self, ring: KeyRing, key: str, address: str) -> str | None:
        """Returns the id of a key that is not known yet, None where it is wrong.

        One at a time, so that of many wrong ones at once no more are hashed than may be tried, and of a right one that
        comes many times at once only the first is.
        """
        async with self._looking:
            if known := ring.remember(key):
                return known
            self._desk.check(address)
            found = await asyncio.to_thread(ring.check, key)
            if found is None:
                self._desk.count_wrong(address)
            return found

    def _check_place(self, headers: Mapping[str, str]) -> None:
        """Refuses what a page from elsewhere makes a browser send, or a name that was made to point here."""
        host = _host_of(headers.get("host", ""))
        if not (is_loopback(host) or host in self._hosts):
            what = f"The server is called by the name {host[:80]}. Use 127.0.0.1, or start it with --allow-host."
            raise RequestError(403, what, code="wrong_host")
        origin = headers.get("origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return
        if urlsplit(origin).netloc != headers.get("host"):
            what = "A page from elsewhere may not call this server. Start it with --cors ORIGIN to allow one."
            raise RequestError(403, what, code="wrong_origin")


def _host_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _no_entry(what: str, code: str) -> RequestError:
    return RequestError(401, what, code=code, headers={"WWW-Authenticate": "Bearer"})
