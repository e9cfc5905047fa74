"""Routes for those who look after a server."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from penjing.serve.account import Remembered
from penjing.serve.context import Context
from penjing.serve.failures import RequestError

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """That a server is there."""

    status: Literal["ok"]


class Ready(BaseModel):
    """That a server takes on requests.

    Attributes:
        models: of each model the parts that are in memory; left out for who has no key where there are keys.
    """

    status: Literal["ready"]
    models: dict[str, list[str]] = {}


@router.get("/healthz")
async def is_alive() -> Health:
    """Whether the process answers."""
    return Health(status="ok")


@router.get("/readyz", response_model_exclude_unset=True)
async def is_ready(context: Context, account: Remembered) -> Ready:
    """Whether requests are taken on: 503 from when the server was told to end."""
    if context.draining:
        raise RequestError(503, "The server is about to end. Ask another.", code="draining", retry_after_s=5)
    if not account.is_let_in:
        return Ready(status="ready")
    return Ready(status="ready", models={name: context.pool.peek(name).loaded for name in context.pool.names})


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def show_metrics(context: Context) -> Response:
    """What is counted, for Prometheus."""
    for name in context.pool.names:
        service = context.pool.peek(name).loaded_text_service
        context.gauges.tell_engine(name, None if service is None else service.stats())
    return Response(context.gauges.page(), media_type="text/plain; version=0.0.4; charset=utf-8")
