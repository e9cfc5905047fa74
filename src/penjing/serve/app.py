"""The application: its routes, and what is told where one fails."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

import penjing
from penjing.errors import PenjingError
from penjing.serve import document, explain, health
from penjing.serve.access import Access
from penjing.serve.context import ServeContext, find_context
from penjing.serve.failures import ErrorBody, RequestError, failure_of
from penjing.serve.guard import Guard
from penjing.serve.openai import chat, completions, embeddings, models
from penjing.serve.page import routes as page
from penjing.serve.pool import ModelPool
from penjing.serve.settings import ServeSettings
from penjing.serve.tasks import routes as tasks

_NAME = re.compile(r"(?!(?:str|int|float|bool)$)[a-z0-9_]+")  # no `list[constrained-str]`
_log = logging.getLogger("penjing.serve")
_FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request is wrong, or not allowed now."},
    "5XX": {"model": ErrorBody, "description": "The server cannot answer."},
}
#: Routers of the server, in order; a file that adds routes adds its own here.
ROUTERS: Sequence[APIRouter] = (
    health.router,
    document.router,
    models.router,
    completions.router,
    chat.router,
    embeddings.router,
    tasks.router,
    explain.router,
    page.router,
)


def build_app(pool: ModelPool, settings: ServeSettings) -> FastAPI:
    """Returns the application of a server.

    Args:
        pool: its models.
        settings: how it is set up.

    Raises:
        UsageError: the file of keys is missing or broken.
    """
    context = ServeContext(pool, settings)

    @asynccontextmanager
    async def run_pool(app: FastAPI) -> AsyncIterator[None]:
        await pool.start()
        yield
        context.set_end()
        await pool.close(context.rest_s)

    app = FastAPI(
        title="Penjing",
        version=penjing.__version__,
        description="Your language models, served.",
        lifespan=run_pool,
        responses=_FAILURES,
        openapi_url=None,  # `document` has the route
        docs_url=None,  # these pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, context=context, access=Access(settings))
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],  # clients send some of their own: OpenAI's for JavaScript X-Stainless-…
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    app.add_exception_handler(RequestError, _tell_refusal)
    app.add_exception_handler(PenjingError, _tell_error)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(HTTPException, _tell_http)
    return app


async def _tell_refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    return JSONResponse(error.body(), error.status, error.all_headers())


async def _tell_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PenjingError)
    settings = find_context(request).settings
    failure = failure_of(error, settings.all_folders)
    if failure.status >= 500:
        _log.error("%s: %s", request.url.path, error)
    return await _tell_refusal(request, failure)


async def _tell_invalid(request: Request, error: Exception) -> JSONResponse:
    """Says what is wrong with a body, a query or a path, by its first fault."""
    assert isinstance(error, RequestValidationError)
    found: list[dict[str, Any]] = list(error.errors())
    unknown: dict[str, Any] = {"loc": (), "msg": "the request is not valid", "type": ""}
    first, others = _choose(found) if found else (unknown, 0)
    place = _field(first)
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "")
        return await _tell_refusal(request, RequestError(400, f"The body is no JSON ({reason}).", code="invalid_json"))
    more = f" {others} more {'field is' if others == 1 else 'fields are'} wrong." if others else ""
    said = first["msg"].removeprefix("Value error, ")
    said += "" if said.endswith((".", "!", "?")) else "."
    message = f"{place or 'The body'}: {said}{more}"
    return await _tell_refusal(request, RequestError(400, message, param=place, code=first["type"] or None))


def _choose(faults: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """Returns the fault that is told, and how many other values are wrong.

    Where a value may be of several kinds, each has its fault. Told is that of the kind which was given: one that is not
    about the kind, and of several such, or of none, the one that was found last in a list.
    """
    places = {_parts(fault) for fault in faults}

    def value_of(place: tuple[str, ...]) -> tuple[str, ...]:
        return next(place[:end] for end in range(len(place) + 1) if place[:end] in places)

    def rank(fault: dict[str, Any]) -> tuple[bool, tuple[int, ...]]:
        return not fault["type"].endswith("_type"), tuple(part for part in fault["loc"] if isinstance(part, int))

    first = value_of(_parts(faults[0]))
    told = max((fault for fault in faults if value_of(_parts(fault)) == first), key=rank)
    return told, len({value_of(place) for place in places}) - 1


def _parts(fault: dict[str, Any]) -> tuple[str, ...]:
    """Returns where a fault is; which kind of value was tried there is nothing that a client knows."""
    return tuple(str(part) for part in fault["loc"][1:] if isinstance(part, int) or _NAME.fullmatch(part))


def _field(fault: dict[str, Any]) -> str | None:
    """Returns the field that a fault is of."""
    return ".".join(_parts(fault)) or None


async def _tell_http(request: Request, error: Exception) -> JSONResponse:
    """Says what the framework refuses: a path or a method that is not there."""
    assert isinstance(error, HTTPException)
    said = {
        404: "There is no such path. The routes are in /openapi.json.",
        405: f"This path does not take {request.method}. The routes are in /openapi.json.",
    }
    message = said.get(error.status_code, str(error.detail))
    failure = RequestError(error.status_code, message, headers=dict(error.headers or {}))
    return await _tell_refusal(request, failure)
