"""Reads the body of a request, and refuses what no request of ours can be, before it is parsed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from penjing.serve.failures import RequestError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_STRING = re.compile(rb'"[^"]*"?')  # where no quote is escaped
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SQUARE = bytes.maketrans(b"{}", b"[]")
# The escape of half a character (\ud800 to \udfff) without its other half, where no backslash is escaped.
_HALF = re.compile(
    rb"\\u[dD][89abAB](?!..\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]",
    re.DOTALL,
)
_MOST_HELD = 1 << 16  # lists and objects in a body: a million of them take seconds to parse
_DISCARDED_BYTES = 64 << 20
_DISCARDED_S = 5.0


class ClientGoneError(Exception):
    """The client went away before its request was whole."""


async def read_body(receive: Receive, length: int | None, most_bytes: int, most_s: float) -> bytes:
    """Returns the body of a request.

    Of one that is too large the rest is read and thrown away, so that the client hears of it; up to a limit.

    Args:
        receive: gives the parts, as ASGI says.
        length: the one that was announced, if any.
        most_bytes: of a body.
        most_s: time for it to come in.

    Raises:
        RequestError: it is larger (413), or did not come in time (408).
        ClientGoneError: the client went away.
    """
    try:
        async with asyncio.timeout(most_s):
            if length is not None and length > most_bytes:
                raise _TooLargeError
            return await _collect(receive, most_bytes)
    except _TooLargeError:
        await _discard(receive)
        what = f"The body is larger than {most_bytes:,} bytes. Send less in one request."
        raise RequestError(413, what, code="body_too_large", headers={"Connection": "close"}) from None
    except TimeoutError:
        what = f"The body did not come in within {most_s:g} seconds. Send it again, faster."
        raise RequestError(408, what, code="body_too_slow", headers={"Connection": "close"}) from None


class _TooLargeError(Exception):
    pass


async def _collect(receive: Receive, most_bytes: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > most_bytes:
            raise _TooLargeError
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _discard(receive: Receive) -> None:
    size = 0
    try:
        async with asyncio.timeout(_DISCARDED_S):
            while size < _DISCARDED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def check_json(body: bytes, most_depth: int) -> None:
    """Refuses a body that is no UTF-8, that escapes half a character, or whose values are too deep or too scattered.

    Raises:
        RequestError: it is so.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"The body is no UTF-8 (byte {error.start}). Send JSON in UTF-8."
        raise RequestError(400, what, code="invalid_utf8") from error
    if half := _HALF.search(body.replace(rb"\\", b"  ")):
        what = f"The body escapes half of a character (byte {half.start()}). Send both halves, or UTF-8 itself."
        raise RequestError(400, what, code="invalid_utf8")
    if is_deeper(body, most_depth):
        what = f"Lists and objects lie more than {most_depth} deep in one another. Send a flatter body."
        raise RequestError(400, what, code="body_too_deep")
    if _count_brackets(body) > 2 * _MOST_HELD and len(_find_brackets(body)) > 2 * _MOST_HELD:
        what = f"There are more than {_MOST_HELD:,} lists and objects in the body. Send less in one request."
        raise RequestError(400, what, code="body_too_scattered")


def is_deeper(body: bytes, most_depth: int) -> bool:
    """Whether brackets in JSON lie deeper in one another than allowed, or never close.

    >>> is_deeper(b'[[1, "[[["]]', 2), is_deeper(b"[[[]]]", 2)
    (False, True)
    """
    if _count_brackets(body) <= 2 * most_depth:
        return False
    brackets = _find_brackets(body)
    for _ in range(most_depth):  # each time the innermost go
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _count_brackets(body: bytes) -> int:
    """Returns how many brackets there are, those in strings too, where each that opens closes."""
    return 2 * (body.count(b"[") + body.count(b"{"))


def _find_brackets(body: bytes) -> bytes:
    """Returns all brackets in order, without those in strings, and curly ones as square ones."""
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    return _STRING.sub(b"", unescaped).translate(_SQUARE, _NO_BRACKETS)
