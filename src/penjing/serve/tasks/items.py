"""Recommendation: histories of items are answered with what may come next."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StrictInt

from penjing.serve.bounds import Several
from penjing.serve.tasks.shape import Answer, Body, Text, Work
from penjing.serve.tasks.weighing import Count, Weight
from penjing.tasks.item_model import TOP, ItemModel

History = Annotated[list[Text], Several(10_000)]


class ItemBody(Body):
    """Histories that are to be gone on with."""

    history: History | Annotated[list[History], Several()] = Field(
        description="items in order, each by its id or its text; or several such lists"
    )
    top: StrictInt = Field(TOP, ge=1, le=1000, description="how many items are returned")


class Item(BaseModel):
    """An item of a ranking."""

    id: str
    text: str
    score: float = Field(description="the higher, the likelier it comes next")


class ItemResult(BaseModel):
    """What may come next."""

    history: list[str] = Field(description="as it was given")
    read: list[str] = Field(description="the text of each item that the model knows, else what was given")
    items: list[Item] = Field(description="the best first; none that is in the history")
    new: list[str] = Field(description="what the model does not know, and read by its text")
    cut_items: int = Field(description="older items that were not read")


class ItemAnswer(Answer):
    """An answer to each history, in order."""

    results: list[ItemResult]


def rank_items(model: ItemModel, body: ItemBody) -> Work:
    """Returns what is to be computed."""
    histories: list[list[str]] = [item for item in body.history if isinstance(item, list)]
    if not histories:
        histories = [[item for item in body.history if isinstance(item, str)]]

    def weigh(count: Count) -> list[Weight]:
        sizes = (sum(1 if model.knows(item) else count(item) for item in history) for history in histories)
        return [Weight(size, size) for size in sizes]

    key = ("rank", body.part, body.top)
    return Work(key, lambda rows, _: model.predict(list(rows), top=body.top), histories, weigh, "history")
