"""Tasks whose answers are written, whole or piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Response

from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.drawing import seed_of
from penjing.inference.sampling import SamplingSettings
from penjing.inference.writing_settings import WritingSettings
from penjing.serve.account import Account
from penjing.serve.asked import Asked, Written, check_length, read_long, write_whole
from penjing.serve.context import ServeContext
from penjing.serve.failures import RequestError
from penjing.serve.served import ServedModel
from penjing.serve.settings import Limits
from penjing.serve.sse import stream_events
from penjing.serve.tasks.computing import as_json, check_rows, respond, task_of
from penjing.serve.tasks.kinds import check_path
from penjing.serve.tasks.shape import TextPiece, WritingBody
from penjing.serve.tasks.weighing import check_read
from penjing.serve.writing import Piece
from penjing.tasks.prompting import Prompts

_EVENTS: dict[str, Any] = {
    "type": "object",
    "description": "Pieces of answers as they come, and last the whole response, as it comes without `stream`; then "
    "`[DONE]`. What fails on the way is told by an error.",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "string",
            "anyOf": [
                {"const": "[DONE]"},
                {
                    "contentMediaType": "application/json",
                    "contentSchema": {
                        "anyOf": [
                            TextPiece.model_json_schema(),
                            {"$ref": "#/components/schemas/TextAnswer"},
                            {"$ref": "#/components/schemas/ErrorBody"},
                        ]
                    },
                },
            ],
        }
    },
}
#: What a path that may stream says of it.
STREAMED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": _EVENTS}}}}


@dataclass(frozen=True)
class Call:
    """A request at a path whose answers are written.

    Attributes:
        context: of the server.
        account: of the request.
        path: the last part of it.
        body: of the request.
    """

    context: ServeContext
    account: Account
    path: str
    body: WritingBody

    @property
    def limits(self) -> Limits:
        """Of the server."""
        return self.context.settings.limits


@dataclass(frozen=True)
class _Asked:
    """What the engine is asked, and for which prompts of which task."""

    task: str
    prompts: Prompts
    asked: Asked


async def write_task(call: Call) -> Response:
    """Answers a request, whole or piece by piece.

    Raises:
        RequestError: there is no such model, it is for something else, or too much is asked.
        PenjingError: a row cannot be answered.
    """
    body = call.body
    call.account.model = call.context.pool.peek(body.model).name
    if body.stream:
        return await stream_events(_stream(call), call.context.settings.all_folders)
    async with call.context.pool.use(body.model) as served:
        found = await _ask(served, call)
        return respond(_answer(call, found, await write_whole(found.asked)))


async def _stream(call: Call) -> AsyncGenerator[dict[str, Any]]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(call.context.pool.use(call.body.model))
        found = await _ask(served, call)
        texts = [Written() for _ in found.asked.requests]
        async for number, item in await stack.enter_async_context(aclosing(found.asked.write())):
            texts[number].take(item)
            if isinstance(item, Piece) and item.text:
                yield TextPiece(index=number, text=item.text).model_dump()
        yield _answer(call, found, texts)


async def _ask(served: ServedModel, call: Call) -> _Asked:
    """Returns what the engine is asked."""
    body, limits = call.body, call.limits
    task = task_of(served, body.model)
    if task.answers != "parts":
        check_path(task, call.path, body.model)
    prompters = await served.prompters()
    prompter = prompters.part(body.part)
    check_path(prompters.task(body.part), call.path, body.model)
    assert prompter is not None  # what answers here writes
    settings = _settings(call, prompter.settings)
    rows = body.rows()
    check_rows(len(rows), limits)
    prompts = await read_long(lambda: prompter.read(rows, settings), call.account.bytes_in)
    service = await served.text_service()
    param = "messages" if call.path == "chat" else "input"
    for ids in prompts.ids:
        check_length(len(ids), service, call.context, param)
    requests = _requests(prompts)
    count = sum(map(len, prompts.ids))
    check_read(count, limits, param)
    asked = Asked(service, requests, [], count, call.context, call.account, goes_on=prompts.goes_on)
    return _Asked(prompter.task.name, prompts, asked)


def _answer(call: Call, found: _Asked, texts: Sequence[Written]) -> dict[str, Any]:
    completes = [text.reason == "stop" for text in texts]
    results = found.prompts.predict([text.text for text in texts], completes)
    return {"model": call.body.model, "task": found.task, "results": as_json(results)}


def _settings(call: Call, usual: WritingSettings) -> WritingSettings:
    """Returns how answers are written, which are never longer than the server allows.

    Raises:
        RequestError: longer ones are asked for.
    """
    most, wanted = call.limits.output_tokens, call.body.max_tokens or 0
    if wanted > most:
        what = f"max_tokens is {wanted:,}, and this server gives {most:,} at most."
        raise RequestError(400, what, param="max_tokens")
    settings = call.body.settings(usual)
    return replace(settings, max_tokens=min(settings.max_tokens, most))


def _requests(prompts: Prompts) -> list[DecodeRequest]:
    """Returns what the engine is asked; texts of different prompts are drawn independently, as `Writer` draws them."""
    how = prompts.settings
    return [
        DecodeRequest(
            tuple(ids),
            SamplingSettings(
                how.max_tokens,
                how.temperature,
                how.top_p,
                seed_of(ids, how.seed),
                no_repeat_ngram_size=how.no_repeat_ngram_size,
            ),
            prompts.end_ids,
            beams=how.beams,
            length_penalty=how.length_penalty,
        )
        for ids in prompts.ids
    ]
