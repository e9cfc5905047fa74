"""What every request goes through before a route sees it, and after: an ASGI middleware around the application."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any

from penjing.serve.access import Access
from penjing.serve.account import Account, open_account, put_account
from penjing.serve.body import ClientGoneError, Receive, check_json, read_body
from penjing.serve.context import ServeContext
from penjing.serve.failures import RequestError, busy
from penjing.serve.limits import ClientLimits

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
_log = logging.getLogger("penjing.serve")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds: not logged while all is well
_OPEN = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/favicon.ico"})  # to whom has no key they name nothing
_NAMING = frozenset({"/readyz", "/openapi.json"})  # those that name models to who is let in
_OPEN_BELOW = "/page/"


class Guard:
    """Lets requests in, or refuses them, and remembers what became of them.

    In order: the place they come from or the key, the state of the server, how many there are, the type, size, time and
    shape of the body. A request whose client goes away, or whose time is up, is cancelled, whatever it does then.

    Args:
        app: the application.
        context: what it is made of.
        access: who is let in.
    """

    def __init__(self, app: App, context: ServeContext, access: Access) -> None:
        self._app, self._context = app, context
        self._access = access
        self._limits = context.settings.limits
        self._clients = ClientLimits(self._limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        account = open_account(scope["method"], headers)
        put_account(scope, account)  # type: ignore[arg-type]
        answer = _Answer(send, account)
        try:
            await self._admit(scope, headers, account, receive, answer)
        except RequestError as error:
            self._context.gauges.refused.labels(error.code or str(error.status)).inc()
            await answer.refuse(error)
        except ClientGoneError:
            account.ended = "client gone"
        except Exception:  # noqa: BLE001 - the last door: a client hears of a fault, and the server goes on
            account.ended = "failed"
            _log.exception("request %s failed", account.id)
            await answer.refuse(RequestError(500, f"A fault in the server; its log says more under {account.id}."))
        finally:
            self._remember(scope, account)

    async def _admit(
        self,
        scope: Scope,
        headers: dict[str, str],
        account: Account,
        receive: Receive,
        answer: _Answer,
    ) -> None:
        path: str = scope["path"]
        address = (scope.get("client") or ("", 0))[0]
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            with suppress(RequestError):
                if path in _NAMING:
                    await self._let_in(account, headers, address)
            await self._app(scope, receive, answer.send)
            return
        await self._let_in(account, headers, address)
        if path in _QUIET:
            await self._app(scope, receive, answer.send)
            return
        if self._context.draining:
            raise RequestError(503, "The server is about to end. Ask another.", code="draining", retry_after_s=5)
        with self._clients.admit(account.client), self._count():
            body = await self._read(scope["method"], headers, receive)
            account.bytes_in = len(body)
            if self._context.settings.log_texts:
                account.text = body.decode("utf-8", "replace")
            await self._answer(scope, body, receive, answer, account)

    async def _let_in(self, account: Account, headers: dict[str, str], address: str) -> None:
        """Says whose a request is; errors as of `Access.check`."""
        account.client = await self._access.check(headers, address)
        account.is_let_in = True

    @contextmanager
    def _count(self) -> Iterator[None]:
        context = self._context
        if context.in_flight >= self._limits.at_once:
            raise busy(
                f"{context.in_flight} requests are worked on or wait, which is all there is room for. Come again."
            )
        context.in_flight += 1
        context.gauges.in_flight.inc()
        try:
            yield
        finally:
            context.in_flight -= 1
            context.gauges.in_flight.dec()

    async def _read(self, method: str, headers: dict[str, str], receive: Receive) -> bytes:
        """Returns the body; of a request that brings one, it must be JSON."""
        length = headers.get("content-length", "")
        announced = int(length) if length.isdigit() else None
        body = await read_body(receive, announced, self._limits.body_bytes, self._limits.body_s)
        if method == "POST" and body:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json" or headers.get("content-encoding", "identity").lower() != "identity":
                what = "The body is not sent as JSON. Send it as it is, with the header Content-Type: application/json."
                raise RequestError(415, what, code="wrong_content_type")
            check_json(body, self._limits.json_depth)
        return body

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, answer: _Answer, account: Account) -> None:
        """Has the application answer, until its client goes away or its time is up."""
        loop = asyncio.get_running_loop()
        account.deadline = loop.time() + self._limits.request_s
        gone = asyncio.Event()
        work: asyncio.Task[None] = loop.create_task(self._call(scope, _replay(body, gone), answer.send))
        watch = loop.create_task(_watch(receive, gone))
        try:
            # A stream ends by itself when its time is up; what does not, is ended a moment later.
            await asyncio.wait([work, watch], timeout=self._limits.request_s + 1, return_when=asyncio.FIRST_COMPLETED)
            if work.done() or answer.is_complete:
                await work
                return
            account.ended = "client gone" if gone.is_set() else "time is up"
            await _cancel(work)
            if not gone.is_set():
                what = f"The answer was not there within {self._limits.request_s:g} seconds. Ask for less."
                await answer.refuse(RequestError(504, what, code="timeout"))
        finally:
            await _cancel(watch)
            await _cancel(work)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _remember(self, scope: Scope, account: Account) -> None:
        route = scope.get("route")
        account.route = getattr(route, "path", "") or (scope["path"] if scope["path"] in _OPEN else "")
        gauges, seconds = self._context.gauges, account.seconds
        gauges.requests.labels(account.route, account.method, str(account.status), account.model).inc()
        gauges.seconds.labels(account.route, account.model).observe(seconds)
        if account.route not in _QUIET or account.status >= 400:
            account.log()


class _Answer:
    """What is sent to a client, with what every answer has."""

    def __init__(self, send: Send, account: Account) -> None:
        self._send, self._account = send, account
        self.is_begun = self.is_complete = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.is_begun = True
            self._account.status = message["status"]
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", self._account.id.encode()),
                (b"x-content-type-options", b"nosniff"),
            ]
        else:
            self._account.bytes_out += len(message.get("body", b""))
            self.is_complete = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, error: RequestError) -> None:
        """Tells what is wrong; where an answer has begun, it breaks off instead."""
        if self.is_begun:
            return
        body = json.dumps(error.body(), ensure_ascii=False).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body)), **error.all_headers()}
        encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": error.status, "headers": encoded})
        await self.send({"type": "http.response.body", "body": body})


def _replay(body: bytes, gone: asyncio.Event) -> Receive:
    """Returns what gives the application a body that was read, and tells it when the client goes away."""
    parts = iter([body])

    async def receive() -> MutableMapping[str, Any]:
        for part in parts:
            return {"type": "http.request", "body": part, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    return receive


async def _watch(receive: Receive, gone: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()


async def _cancel(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
