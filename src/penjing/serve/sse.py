"""Streams of server-sent events, as OpenAI's clients read them."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from fastapi.responses import StreamingResponse

from penjing.errors import PenjingError
from penjing.serve.failures import RequestError, failure_of

_log = logging.getLogger("penjing.serve")
#: What a route that may stream says of it.
EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}  # a proxy must not hold events back


async def stream_events(chunks: AsyncGenerator[dict[str, Any]], folders: Mapping[str, Path]) -> StreamingResponse:
    """Returns an answer that gives each chunk as an event, and says when it is over.

    The first chunk is waited for: what is wrong with the request is told with its own status. What goes wrong later is
    told in an event.

    Args:
        chunks: what is sent.
        folders: of the server by the names that clients call them.

    Raises:
        RequestError: of the first chunk.
        PenjingError: of the first chunk.
    """
    try:
        first = await anext(chunks)
    except BaseException:
        await chunks.aclose()
        raise
    return StreamingResponse(_events(first, chunks, folders), media_type="text/event-stream", headers=_HEADERS)


async def _events(
    first: dict[str, Any], chunks: AsyncGenerator[dict[str, Any]], folders: Mapping[str, Path]
) -> AsyncIterator[str]:
    async with aclosing(chunks):
        yield _event(first)
        try:
            async for chunk in chunks:
                yield _event(chunk)
        except RequestError as error:
            yield _event(error.body())
        except PenjingError as error:
            _log.error("a stream broke off: %s", error)
            yield _event(failure_of(error, folders).body())
        yield "data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"
