"""The OpenAPI document of a server, with the names of the models that it serves."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from penjing.serve.openai.models import list_abilities
from penjing.serve.pool import ModelPool

_ABILITIES = {
    "CompletionBody": "completions",
    "ChatBody": "chat",
    "EmbeddingBody": "embeddings",
    **dict.fromkeys(("LabelBody", "TextBody", "AnswerBody", "ReplyBody", "ItemBody", "ExplainBody"), "tasks"),
}


def write_document(app: FastAPI, pool: ModelPool) -> dict[str, Any]:
    """Returns the document; of a route that some models can answer, it names those.

    Args:
        app: the application.
        pool: its models, which stay the same ones while it runs.
    """
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        schemas = document.get("components", {}).get("schemas", {})
        for body, ability in _ABILITIES.items():
            names = [name for name in pool.names if ability in list_abilities(pool.peek(name))]
            if names:
                schemas[body]["properties"]["model"]["enum"] = names
    assert app.openapi_schema is not None
    return app.openapi_schema
