"""What is known of a request by its end, and the one line of the log that says so."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request

_log = logging.getLogger("penjing.serve.access")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = "penjing.account"
_MOST_TEXT = 4000


@dataclass
class Account:
    """A request, as it is remembered; it holds no text unless that was asked for.

    Attributes:
        id: of the client's choice (``X-Request-Id``), or drawn.
        client: the id of its key, or its address; empty where nobody asked whose it is.
        is_let_in: whether it has a key, or is from here where there are none, and so is told the names of models.
        method: of HTTP.
        route: as it is written in the OpenAPI document, so without what was asked; empty where there is none.
        model: that was asked.
        status: of the answer; 0: none was given.
        ended: why there is no whole answer: ``client gone``, ``time is up``, ``failed``.
        bytes_in: of the body.
        bytes_out: of the answer.
        prompt_tokens: that were read.
        written_tokens: that were written.
        text: of the body, where texts are logged.
        created: when it came, in seconds since 1970.
        began: in seconds of `time.perf_counter`.
        deadline: by when it is to be answered, in seconds of the loop's clock.
    """

    id: str
    method: str
    client: str = ""
    is_let_in: bool = False
    route: str = ""
    model: str = ""
    status: int = 0
    ended: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    prompt_tokens: int = 0
    written_tokens: int = 0
    text: str = ""
    created: int = field(default_factory=lambda: int(time.time()))
    began: float = field(default_factory=time.perf_counter)
    deadline: float = float("inf")

    @property
    def seconds(self) -> float:
        """Time since it came."""
        return time.perf_counter() - self.began

    def log(self) -> None:
        """Writes the line."""
        line: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": self.id,
            "client": self.client,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "ms": round(self.seconds * 1000, 1),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
        }
        more = {
            "model": self.model,
            "prompt_tokens": self.prompt_tokens,
            "written_tokens": self.written_tokens,
            "ended": self.ended,
            "text": self.text[:_MOST_TEXT],
        }
        _log.info(json.dumps(line | {key: value for key, value in more.items() if value}, ensure_ascii=False))


def open_account(method: str, headers: Mapping[str, str]) -> Account:
    """Begins to remember a request."""
    given = headers.get("x-request-id", "")
    return Account(given if _ID.fullmatch(given) else secrets.token_hex(12), method)


def put_account(scope: dict[str, Any], account: Account) -> None:
    """Puts it where the routes find it."""
    scope[_KEY] = account


def find_account(request: Request) -> Account:
    """Returns what is remembered of a request, to add to it."""
    account: Account = request.scope[_KEY]
    return account


Remembered = Annotated[Account, Depends(find_account)]
