"""The small server behind ``penjing data label``: a page for one person on this machine, and where its answers go.

It listens on 127.0.0.1 only. Every path begins with a token that is drawn at the start, and what comes with another
Host (a name that was made to point here) or another Origin (a page from elsewhere) is refused.
"""

from __future__ import annotations

import errno
import hmac
import json
import secrets
import threading
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from penjing.data.labels.questions import Question
from penjing.data.labels.session import LabelSession
from penjing.errors import PenjingError, UsageError
from penjing.serve.label_page import LabelPage

_ADDRESS = "127.0.0.1"
_MOST_BYTES = 1 << 16  # of what a page sends
_TIMEOUT_S = 30.0


class LabelServer:
    """Serves one session until it is stopped.

    Args:
        session: asks, and writes answers down.
        page: what is shown.
        port: 0 takes one that is free.

    Raises:
        UsageError: the port is in use, or may not be used.

    Attributes:
        address: to be opened in a browser; whoever knows it can answer.
    """

    def __init__(self, session: LabelSession, page: LabelPage, port: int) -> None:
        token = secrets.token_urlsafe(16)
        try:
            self._server = _Server(session, page, token, port)
        except OSError as error:
            said = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise UsageError(
                f"port {port} {said}",
                where=f"--port {port}",
                do="Give another, or leave --port out to take a free one.",
            ) from error
        self.address = f"http://{_ADDRESS}:{self._server.server_address[1]}/{token}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> LabelServer:
        self._thread.start()
        return self

    def __exit__(self, *ending: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, session: LabelSession, page: LabelPage, token: str, port: int) -> None:
        self.session, self.page, self.token = session, page, token
        super().__init__((_ADDRESS, port), _Handler)
        own = self.server_address[1]
        self.hosts = {f"{_ADDRESS}:{own}", f"localhost:{own}"}


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "penjing"
    sys_version = ""
    timeout = _TIMEOUT_S

    def do_GET(self) -> None:
        if self._path() == "":
            page = self.server.page
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", page.html.encode(), page.policy)
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        path = self._path()
        origin = self.headers.get("Origin")
        if path is None:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif origin is None or origin.removeprefix("http://") not in self.server.hosts:
            self._refuse(HTTPStatus.FORBIDDEN)
        elif self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        else:
            self._answer(path)

    def _path(self) -> str | None:
        """Returns what of the path follows the token; None where host or token are wrong."""
        if self.headers.get("Host") not in self.server.hosts:
            return None
        _, token, *rest = self.path.split("/", 2) if self.path.count("/") > 1 else ("", "", "")
        is_right = hmac.compare_digest(token.encode("utf-8", "replace"), self.server.token.encode())
        return rest[0] if is_right else None

    def _answer(self, path: str) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MOST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            given = json.loads(self.rfile.read(int(length)))
            key, label = str(given.get("id", "")), str(given.get("label", ""))
        except (ValueError, AttributeError):
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        try:
            found = _act(self.server.session, path, key, label)
        except PenjingError as error:
            self._send_json(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        if found is None:
            self._refuse(HTTPStatus.NOT_FOUND)
        else:
            self._send_json(HTTPStatus.OK, found)

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True  # what was sent with it is not read
        self._send_json(status, {"error": status.phrase})

    def _send_json(self, status: HTTPStatus, value: Any) -> None:
        self._send(status, "application/json", json.dumps(value, ensure_ascii=False).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes, policy: str = "default-src 'none'") -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", policy),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
        ):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the address, with its token, belongs into no log."""


def _act(session: LabelSession, path: str, key: str, label: str) -> dict[str, Any] | None:
    """Does what the page asks for, and returns what it is to show; None where there is no such path."""
    if path == "answer":
        session.answer(key, label)
        return {"question": None, "state": asdict(session.state())}
    if path == "show":
        question: Question | None = session.question(key)
    elif path == "undo":
        question = session.undo()
    elif path == "skip":
        session.skip(key)
        question = session.next()
    elif path == "next":
        question = session.next()
    else:
        return None
    shown = None if question is None else _describe(session, question)
    return {"question": shown, "state": asdict(session.state())}


def _describe(session: LabelSession, question: Question) -> dict[str, Any]:
    answer = session.answer_of(question.id)
    return {**asdict(question), "answer": answer, "suspected": session.is_suspected(question.id)}
