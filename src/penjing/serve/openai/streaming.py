"""Answers in chunks, as they come: shared by completions and chat, which word them differently."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NamedTuple, Protocol

from penjing.serve.account import Account
from penjing.serve.asked import Asked
from penjing.serve.context import ServeContext
from penjing.serve.openai.body import SampledBody, count_usage
from penjing.serve.served import ServedModel
from penjing.serve.writing import Ending, Piece

Values = dict[str, Any]


class Wording(Protocol):
    """How a route words what comes; each returns what a chunk has beside its head."""

    def begin(self, number: int) -> Values | None:
        """Words that an answer begins; None: nothing is said of that."""

    def tell(self, number: int, piece: Piece) -> Values:
        """Words a piece of an answer."""

    def end(self, number: int, reason: str) -> Values:
        """Words that an answer is complete."""


class Opened(NamedTuple):
    """An answer that is about to be streamed.

    Attributes:
        asked: of the engine.
        head: what every chunk has.
        wording: of the route.
    """

    asked: Asked
    head: Values
    wording: Wording


async def stream_answers(
    context: ServeContext, body: SampledBody, ask: Callable[[ServedModel], Awaitable[Opened]]
) -> AsyncGenerator[Values]:
    """Gives chunks of answers as they come; nothing comes before the engine has begun, or refused.

    Args:
        context: of the server.
        body: of the request.
        ask: says what is asked of a model.

    Raises:
        RequestError: there is no such model, or as `Asked.write`.
        PenjingError: a text could not be written.
    """
    async with context.pool.use(body.model) as model:
        asked, head, wording = await ask(model)
        head |= {"usage": None} if body.tells_usage else {}
        count, begun = 0, set[int]()
        async with aclosing(asked.write()) as written:
            async for number, item in written:
                if number not in begun:
                    begun.add(number)
                    if (first := wording.begin(number)) is not None:
                        yield {**head, **first}
                if isinstance(item, Ending):
                    count += item.tokens
                    yield {**head, **wording.end(number, item.reason)}
                else:
                    yield {**head, **wording.tell(number, item)}
        if body.tells_usage:
            yield {**head, "choices": [], "usage": count_usage(asked.prompt_tokens, count).model_dump()}


def make_head(prefix: str, model: ServedModel, account: Account) -> Values:
    """Returns what answers and their chunks begin with.

    Args:
        prefix: of the id.
        model: that answers.
        account: of the request.
    """
    return {
        "id": f"{prefix}-{account.id}",
        "created": account.created,
        "model": model.name,
        "system_fingerprint": model.mark,
    }
