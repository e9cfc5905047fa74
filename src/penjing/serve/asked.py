"""What the engine is asked for a request, counted and timed; all routes that write ask through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from penjing.inference.decoding.request import DecodeRequest, Token
from penjing.inference.decoding.sampler import NoTokenError
from penjing.serve.account import Account
from penjing.serve.context import ServeContext
from penjing.serve.failures import RequestError
from penjing.serve.writing import Ending, Piece, TextService

Read = TypeVar("Read")
_SHORT = 4096  # characters that are read in well under a millisecond; more are read on a thread


@dataclass(frozen=True)
class Asked:
    """What the engine is asked, and by whom.

    Attributes:
        service: of the model.
        requests: a text each.
        stop: strings that end a text.
        prompt_tokens: of all prompts, each counted once.
        context: of the server.
        account: of the request.
        goes_on: whether texts go on where their prompts end; see `TextService.write`.
    """

    service: TextService
    requests: list[DecodeRequest]
    stop: list[str]
    prompt_tokens: int
    context: ServeContext
    account: Account
    goes_on: bool = True

    async def write(self) -> AsyncGenerator[tuple[int, Piece | Ending]]:
        """Gives pieces of the texts as they come, and counts tokens.

        Raises:
            RequestError: time is up (504), too many wait (429), or nothing may be written (400).
            PenjingError: a text could not be written.
        """
        gauges, model = self.context.gauges, self.account.model
        self.account.prompt_tokens = self.prompt_tokens
        gauges.tokens.labels(model, "prompt").inc(self.prompt_tokens)
        is_first = True
        try:
            texts = self.service.write(self.requests, self.stop, self.account.deadline, goes_on=self.goes_on)
            async with aclosing(texts) as pieces:
                async for number, item in pieces:
                    if is_first:
                        gauges.first_token.labels(model).observe(self.account.seconds)
                        is_first = False
                    if isinstance(item, Piece):
                        self.account.written_tokens += len(item.tokens)
                    yield number, item
        except NoTokenError as error:
            if all(request.constraint is None and not request.settings.logit_bias for request in self.requests):
                raise
            what = f"{error} The response_format or the logit_bias leaves the model nothing to write."
            raise RequestError(400, what, code="nothing_allowed") from error
        except TimeoutError:
            self.account.ended = "time is up"
            raise RequestError(504, "The answer was not complete in time. Ask for less.", code="timeout") from None
        finally:
            gauges.tokens.labels(model, "written").inc(self.account.written_tokens)


@dataclass
class Written:
    """A text as it comes.

    Attributes:
        pieces: of it, in order.
        tokens: of it.
        reason: why it ends.
        count: tokens that were written.
    """

    pieces: list[str] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    reason: Literal["stop", "length"] = "stop"
    count: int = 0

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)

    def take(self, item: Piece | Ending) -> None:
        """Takes what comes next."""
        if isinstance(item, Piece):
            self.pieces.append(item.text)
            self.tokens += item.tokens
        else:
            self.reason, self.count = item.reason, item.tokens


async def write_whole(asked: Asked) -> list[Written]:
    """Returns the texts when all are complete."""
    texts = [Written() for _ in asked.requests]
    async with aclosing(asked.write()) as written:
        async for number, item in written:
            texts[number].take(item)
    return texts


def check_length(tokens: int, service: TextService, context: ServeContext, param: str) -> None:
    """Refuses a prompt that is too long for the model or the server.

    Raises:
        RequestError: it is so.
    """
    most = min(service.longest_row - 1, context.settings.limits.prompt_tokens or service.longest_row)
    if tokens > most:
        what = f"The prompt has {tokens:,} tokens, and at most {most:,} are read here. Shorten it."
        raise RequestError(400, what, param=param, code="context_length_exceeded")


async def read_long(read: Callable[[], Read], characters: int) -> Read:
    """Returns what reads texts, at once where they are short, else on a thread, so that others need not wait."""
    return read() if characters <= _SHORT else await asyncio.to_thread(read)
