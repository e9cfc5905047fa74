"""From the body of a request to what the engine is asked, and back: shared by completions and chat."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from fastapi import Response
from pydantic import BaseModel

from penjing.inference.decoding.request import DecodeRequest
from penjing.serve.context import ServeContext
from penjing.serve.failures import RequestError
from penjing.serve.openai.body import SampledBody
from penjing.serve.openai.formats import make_constraints
from penjing.serve.writing import TextService


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


async def word_apart(word: Callable[[], BaseModel]) -> Response:
    """Returns an answer that may take seconds to be worded, as many log-probabilities do, while others are answered."""
    return await asyncio.to_thread(lambda: Response(word().model_dump_json(), media_type="application/json"))


def check_choices(body: SampledBody, prompts: int, context: ServeContext) -> None:
    """Refuses more answers at once than the server gives.

    Raises:
        RequestError: it is so.
    """
    most, wanted = context.settings.limits.choices, body.choices * prompts
    if wanted > most:
        what = f"This asks for {wanted} answers, and the server gives {most} at once. Lower n, or send fewer prompts."
        raise RequestError(400, what, param="n", code="too_many_choices")


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
