"""What the routes of a server share; each request finds it in its application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from penjing.serve.documents import DocumentShelf
from penjing.serve.gauges import Gauges
from penjing.serve.pool import ModelPool
from penjing.serve.settings import ServeSettings


@dataclass
class ServeContext:
    """What a server is made of.

    Attributes:
        pool: its models.
        settings: how it is set up.
        gauges: what it counts.
        shelf: its folders of documents.
        draining: whether it is about to end, and takes on nothing new.
        in_flight: requests that were accepted and are not answered yet.
    """

    pool: ModelPool
    settings: ServeSettings
    gauges: Gauges = field(default_factory=Gauges)
    draining: bool = False
    in_flight: int = 0

    def __post_init__(self) -> None:
        self.shelf = DocumentShelf(self.settings.documents)


def find_context(request: Request) -> ServeContext:
    """Returns what the application that a request came to is made of."""
    context: ServeContext = request.app.state.context
    return context


Context = Annotated[ServeContext, Depends(find_context)]
