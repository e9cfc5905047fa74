"""What the routes of a server share; each request finds it in its application."""

from __future__ import annotations

import time
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
        ends: by when all is over, in seconds of `time.monotonic`; infinite until it is told to end.
    """

    pool: ModelPool
    settings: ServeSettings
    gauges: Gauges = field(default_factory=Gauges)
    draining: bool = False
    in_flight: int = 0
    ends: float = float("inf")

    def __post_init__(self) -> None:
        self.shelf = DocumentShelf(self.settings.documents)

    def set_end(self) -> None:
        """Takes on nothing new, and lets all that is there end within the time that the settings give, from now on."""
        self.draining = True
        self.ends = min(self.ends, time.monotonic() + self.settings.limits.drain_s)

    @property
    def rest_s(self) -> float:
        """Seconds until all is over."""
        return max(0.0, self.ends - time.monotonic())


def find_context(request: Request) -> ServeContext:
    """Returns what the application that a request came to is made of."""
    context: ServeContext = request.app.state.context
    return context


Context = Annotated[ServeContext, Depends(find_context)]
