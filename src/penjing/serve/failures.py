"""What goes wrong in a request, in the shape that OpenAI's clients read: ``{"error": {…}}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from penjing.errors import DataError, MissingExtraError, PenjingError

_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "service_unavailable_error",
    504: "timeout_error",
}


class ErrorDetail(BaseModel):
    """What is wrong, where, and what to do."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """The body of every answer that is none."""

    error: ErrorDetail


@dataclass
class RequestError(Exception):
    """A request cannot be answered.

    Attributes:
        status: of HTTP.
        message: what is wrong, where, and what to do.
        param: the field of the body that is meant.
        code: a word for programs.
        retry_after_s: when to come again.
    """

    status: int
    message: str
    param: str | None = None
    code: str | None = None
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    def body(self) -> dict[str, Any]:
        """Returns it as JSON."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        detail = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": detail}

    def all_headers(self) -> dict[str, str]:
        """Returns the headers that go with it."""
        if self.retry_after_s is None:
            return dict(self.headers)
        return {**self.headers, "Retry-After": str(max(1, round(self.retry_after_s)))}


def failure_of(error: PenjingError, folders: Mapping[str, Path] | None = None) -> RequestError:
    """Returns what an error of Penjing means to a client: of its request, or of the server.

    Args:
        error: what was raised.
        folders: of the server by the names that clients call them; a client hears the name, not where it lies.
    """
    where = _called(error.where, folders or {})
    message = str(error if where == error.where else PenjingError(error.what, where=where, do=error.do))
    if isinstance(error, MissingExtraError):  # of the server: until somebody installs it there
        return RequestError(503, f"This server cannot answer that yet: {message}", code="missing_package")
    status = 400 if error.exit_code == 2 or isinstance(error, DataError) else 500
    return RequestError(status, message, code=None if status < 500 else "internal_error")


def _called(where: str, folders: Mapping[str, Path]) -> str:
    """Returns a place with the name of the folder that it lies in, in the place of that folder's path."""
    for name, folder in folders.items():
        for path in {str(folder), str(folder.resolve())}:
            if where.startswith(path) and where[len(path) : len(path) + 1] in ("", "/", ","):
                return name + where[len(path) :]
    return where


def no_model(name: str, known: list[str]) -> RequestError:
    """There is no model of a name."""
    shown = name if len(name) <= 80 else f"{name[:80]}…"
    return RequestError(
        404,
        f'There is no model "{shown}" here. The models are {", ".join(known)}.',
        param="model",
        code="model_not_found",
    )


def busy(what: str, retry_after_s: float = 1.0) -> RequestError:
    """There is too much to do now."""
    return RequestError(429, what, code="rate_limit_exceeded", retry_after_s=retry_after_s)
