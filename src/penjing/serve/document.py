"""``/openapi.json``: what the routes of a server take and give, with the names of its models for who is let in."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from penjing.serve.account import Remembered
from penjing.serve.context import Context
from penjing.serve.openai.models import list_abilities
from penjing.serve.pool import ModelPool

router = APIRouter(include_in_schema=False)
_ABILITIES = {
    "CompletionBody": "completions",
    "ChatBody": "chat",
    "EmbeddingBody": "embeddings",
    **dict.fromkeys(("LabelBody", "TextBody", "AnswerBody", "ReplyBody", "ItemBody", "ExplainBody"), "tasks"),
}


@router.get("/openapi.json")
async def show_document(request: Request, context: Context, account: Remembered) -> JSONResponse:
    """The document; it names models to who has a key, or where there are no keys."""
    return JSONResponse(write_document(request.app, context.pool if account.is_let_in else None))


def write_document(app: FastAPI, pool: ModelPool | None) -> dict[str, Any]:
    """Returns the document; of a route that some models can answer, it names those.

    Args:
        app: the application.
        pool: its models; None: none is named.
    """
    document = app.openapi()
    if pool is None:
        return document
    document = deepcopy(document)
    schemas = document.get("components", {}).get("schemas", {})
    for body, ability in _ABILITIES.items():
        names = [name for name in pool.names if ability in list_abilities(pool.peek(name))]
        if names:
            schemas[body]["properties"]["model"]["enum"] = names
    return document
