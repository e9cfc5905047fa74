"""From the body of a request to what the engine is asked, and back: shared by completions and chat."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from penjing.inference.decoding.request import DecodeRequest, Token
from penjing.inference.decoding.sampler import NoTokenError
from penjing.serve.account import Account
from penjing.serve.context import ServeContext
from penjing.serve.failures import RequestError
from penjing.serve.openai.body import SampledBody
from penjing.serve.openai.formats import make_constraints
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
    """

    service: TextService
    requests: list[DecodeRequest]
    stop: list[str]
    prompt_tokens: int
    context: ServeContext
    account: Account

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
            async with aclosing(self.service.write(self.requests, self.stop, self.account.deadline)) as pieces:
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
    """A text that is complete.

    Attributes:
        text: all of it.
        tokens: of it.
        reason: why it ends.
        count: tokens that were written.
    """

    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    reason: Literal["stop", "length"] = "stop"
    count: int = 0


async def write_whole(asked: Asked) -> list[Written]:
    """Returns the texts when all are complete."""
    texts = [Written() for _ in asked.requests]
    pieces: list[list[str]] = [[] for _ in asked.requests]
    async with aclosing(asked.write()) as written:
        async for number, item in written:
            if isinstance(item, Piece):
                pieces[number].append(item.text)
                texts[number].tokens += item.tokens
            else:
                texts[number].reason, texts[number].count = item.reason, item.tokens
    for text, parts in zip(texts, pieces, strict=True):
        text.text = "".join(parts)
    return texts


async def make_requests(
    service: TextService,
    body: SampledBody,
    prompts: Sequence[Sequence[int]],
    max_tokens: Sequence[int],
    logprobs: int | None,
) -> list[DecodeRequest]:
    """Returns a request for each choice of each prompt, those of a prompt together.

    Args:
        service: of the model.
        body: says how.
        prompts: token ids.
        max_tokens: most tokens after each prompt.
        logprobs: how many of the likeliest tokens are told; None: nothing.

    Raises:
        RequestError: a bias is for a token that there is not, or the format cannot be kept to.
    """
    if any(int(token) >= service.vocab for token in body.logit_bias or ()):
        what = f"logit_bias names a token that is none of the model's {service.vocab:,}. Use the numbers of its tokens."
        raise RequestError(400, what, param="logit_bias", code="no_such_token")
    seed = secrets.randbits(62) if body.seed is None else body.seed
    wanted = [(tuple(prompt), most) for prompt, most in zip(prompts, max_tokens, strict=True)]
    constraints = await make_constraints(body.response_format, service.constraints, len(wanted) * body.choices)
    choices = [(prompt, most, number) for prompt, most in wanted for number in range(body.choices)]
    return [
        DecodeRequest(prompt, body.sampling(most, seed + number), service.end_ids, logprobs, constraint)
        for (prompt, most, number), constraint in zip(choices, constraints, strict=True)
    ]


def check_choices(body: SampledBody, prompts: int, context: ServeContext) -> None:
    """Refuses more answers at once than the server gives.

    Raises:
        RequestError: it is so.
    """
    most, wanted = context.settings.limits.choices, body.choices * prompts
    if wanted > most:
        what = f"This asks for {wanted} answers, and the server gives {most} at once. Lower n, or send fewer prompts."
        raise RequestError(400, what, param="n", code="too_many_choices")


def check_length(tokens: int, service: TextService, context: ServeContext, param: str) -> None:
    """Refuses a prompt that is too long for the model or the server.

    Raises:
        RequestError: it is so.
    """
    most = min(service.longest_row - 1, context.settings.limits.prompt_tokens or service.longest_row)
    if tokens > most:
        what = f"The prompt has {tokens:,} tokens, and at most {most:,} are read here. Shorten it."
        raise RequestError(400, what, param=param, code="context_length_exceeded")


def choose_room(wanted: int | None, usual: int, context: ServeContext, param: str) -> int:
    """Returns how many tokens an answer may have.

    Args:
        wanted: by the client.
        usual: where it says nothing.
        context: of the server.
        param: the field that says it.

    Raises:
        RequestError: more is wanted than the server writes.
    """
    most = context.settings.limits.output_tokens
    if wanted is not None and wanted > most:
        what = f"{param} is {wanted:,}, and the server writes at most {most:,} tokens. Ask for fewer."
        raise RequestError(400, what, param=param, code="max_tokens_too_large")
    return min(usual, most) if wanted is None else wanted


async def read_long(read: Callable[[], Read], characters: int) -> Read:
    """Returns what reads texts, at once where they are short, else on a thread, so that others need not wait."""
    return read() if characters <= _SHORT else await asyncio.to_thread(read)
