"""Clients of a server of texts, light enough to run beside it: plain sockets, one process, a coroutine each."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """What clients saw.

    Attributes:
        tokens: that came in all.
        seconds: from the first request to the last token.
        first: seconds until the first token of each request.
        codes: how often each status came.
        texts: of each request that was taken, by its number.
        retry_after: refusals that say when to come again.
        cut: streams that ended before their end.
    """

    tokens: int = 0
    seconds: float = 0.0
    first: list[float] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    retry_after: int = 0
    cut: int = 0

    def first_at(self, share: float) -> float:
        """Returns a quantile of the time to the first token."""
        ordered = sorted(self.first)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def lay_out(route: str, body: dict[str, Any]) -> bytes:
    """Returns a request as it goes over the wire."""
    content = json.dumps(body).encode()
    head = f"POST {route} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def stream(port: int, request: bytes, number: int, outcome: Outcome) -> int:
    """Sends a request, reads its stream to the end, and returns the status."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    outcome.codes[status] = outcome.codes.get(status, 0) + 1
    if status != 200:
        outcome.retry_after += b"retry-after:" in head.lower()
        writer.close()
        return status
    pieces: list[str] = []
    ended = False
    while line := await reader.readline():
        ended = ended or line.startswith(b"data: [DONE]")
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        if event.get("choices") and event["choices"][0].get("text"):
            if not pieces:
                outcome.first.append(time.perf_counter() - began)
            pieces.append(event["choices"][0]["text"])
        if event.get("usage"):
            outcome.tokens += event["usage"]["completion_tokens"]
    writer.close()
    outcome.cut += not ended
    outcome.texts[number] = "".join(pieces)
    return status


async def ask_all(port: int, requests: list[bytes], clients: int) -> Outcome:
    """Lets so many clients ask one request after another, until all are answered."""
    outcome, waiting = Outcome(), list(enumerate(requests))[::-1]

    async def ask() -> None:
        while waiting:
            number, request = waiting.pop()
            await stream(port, request, number, outcome)

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(clients)))
    outcome.seconds = time.perf_counter() - began
    return outcome
