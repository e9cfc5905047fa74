"""``/v1/models``: what is served."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from penjing.serve.context import Context
from penjing.serve.served import ServedModel

router = APIRouter(prefix="/v1", tags=["models"])


class ModelEntry(BaseModel):
    """A model, as OpenAI's clients know it, and what Penjing knows beside.

    Attributes:
        task: what it was fine-tuned for.
        family: of its network.
        abilities: ``completions``, ``chat``, ``embeddings``, ``tasks``.
        loaded: its parts that are in memory.
    """

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "penjing"
    task: str | None
    family: str
    abilities: list[str]
    loaded: list[str]


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


def list_abilities(model: ServedModel) -> list[str]:
    """Returns what a model can be asked for."""
    facts = model.facts
    held: dict[str, Any] = {
        "completions": facts.writes,
        "chat": facts.chats,
        "embeddings": facts.embeds,
        "tasks": facts.task,
    }
    return [name for name, is_held in held.items() if is_held]


def _entry(model: ServedModel) -> ModelEntry:
    return ModelEntry(
        id=model.name,
        created=model.facts.created,
        task=model.facts.task,
        family=model.facts.family,
        abilities=list_abilities(model),
        loaded=model.loaded,
    )


@router.get("/models")
async def list_models(context: Context) -> ModelList:
    """All models that are served."""
    return ModelList(data=[_entry(context.pool.peek(name)) for name in context.pool.names])


@router.get("/models/{model:path}")
async def show_model(context: Context, model: Annotated[str, Path(description="What it is called.")]) -> ModelEntry:
    """One of them."""
    return _entry(context.pool.peek(model))
