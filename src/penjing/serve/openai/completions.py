"""``/v1/completions``: a model goes on with texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from penjing.serve.account import Account, Remembered
from penjing.serve.asked import Asked, Written, check_length, read_long, write_whole
from penjing.serve.bounds import MOST_TOKENS, Several
from penjing.serve.context import Context, ServeContext
from penjing.serve.failures import RequestError
from penjing.serve.openai.asking import check_choices, choose_room, make_requests, word_apart
from penjing.serve.openai.body import SampledBody, Usage, count_usage
from penjing.serve.openai.logprobs import open_logprobs
from penjing.serve.openai.streaming import Opened, make_head, stream_answers
from penjing.serve.served import ServedModel
from penjing.serve.sse import EVENTS, stream_events
from penjing.serve.writing import Piece, TextService

router = APIRouter(prefix="/v1", tags=["completions"])
_PREFIX = "cmpl"  # of ids
_USUAL = 16  # tokens, as OpenAI has it
TokenId = Annotated[StrictInt, Field(ge=0, lt=2**31)]
TokenIds = Annotated[list[TokenId], Several(MOST_TOKENS, least=0)]
#: Several texts, the tokens of one, or those of several.
Prompts = Annotated[list[str], Several(least=0)] | TokenIds | Annotated[list[TokenIds], Several(least=0)]


class CompletionBody(SampledBody):
    """What is to be gone on with."""

    prompt: str | Prompts = Field(description="texts, or their tokens")
    max_tokens: StrictInt | None = Field(None, ge=1, description=f"most tokens; {_USUAL}")
    logprobs: StrictInt | None = Field(None, ge=0, le=20, description="how many of the likeliest tokens are told")
    echo: StrictBool | None = Field(None, description="give the prompt too; not with logprobs")
    best_of: StrictInt | None = Field(None, ge=1, description="no more than n")

    @model_validator(mode="after")
    def _is_done_here(self) -> CompletionBody:
        if self.echo and self.logprobs is not None:
            raise PydanticCustomError("not_done", "echo with logprobs is not done here. Leave one of them out")
        if self.best_of is not None and self.best_of > self.choices:
            raise PydanticCustomError("not_done", "best_of above n is not done here. Leave it out")
        if not self.prompt and self.prompt != "":
            raise PydanticCustomError("too_short", "prompt is an empty list. Give a text")
        return self


class Choice(BaseModel):
    """An answer."""

    index: int
    text: str
    logprobs: dict[str, Any] | None = None
    finish_reason: Literal["stop", "length"] | None


class Completion(BaseModel):
    """All answers."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Usage


@router.post("/completions", response_model=Completion, responses=EVENTS)
async def complete(body: CompletionBody, context: Context, account: Remembered) -> Completion | Response:
    """Goes on with texts; with ``stream`` as server-sent events, piece by piece."""
    account.model = context.pool.peek(body.model).name
    if not body.stream:
        async with context.pool.use(body.model) as model:
            return await _complete(model, body, context, account)

    async def ask(model: ServedModel) -> Opened:
        asked, echoes = await _ask(model, body, context, account)
        head = {**make_head(_PREFIX, model, account), "object": "text_completion"}
        return Opened(asked, head, _Wording(asked, echoes, tells_logprobs=body.logprobs is not None))

    return await stream_events(stream_answers(context, body, ask), context.settings.all_folders)


async def _complete(
    model: ServedModel, body: CompletionBody, context: ServeContext, account: Account
) -> Completion | Response:
    asked, echoes = await _ask(model, body, context, account)
    written, head = await write_whole(asked), make_head(_PREFIX, model, account)
    if body.logprobs is not None:
        return await word_apart(lambda: _word(asked, written, head, echoes, tells_logprobs=True))
    return _word(asked, written, head, echoes, tells_logprobs=False)


def _word(
    asked: Asked, written: Sequence[Written], head: dict[str, Any], echoes: Sequence[str], *, tells_logprobs: bool
) -> Completion:
    """Words the texts, behind what stands before each."""
    logprobs = open_logprobs(asked, tells=tells_logprobs)
    choices = [
        Choice(
            index=number,
            text=echo + text.text,
            logprobs=None if told is None else told.tell_text(text.tokens),
            finish_reason=text.reason,
        )
        for number, (text, echo, told) in enumerate(zip(written, echoes, logprobs, strict=True))
    ]
    usage = count_usage(asked.prompt_tokens, sum(text.count for text in written))
    return Completion(**head, choices=choices, usage=usage)


class _Wording:
    """Pieces of texts, with log-probabilities where they are asked for."""

    def __init__(self, asked: Asked, echoes: list[str], *, tells_logprobs: bool) -> None:
        self._echoes, self._logprobs = echoes, open_logprobs(asked, tells=tells_logprobs)

    def begin(self, number: int) -> dict[str, Any] | None:
        """Gives the prompt, where it is asked for."""
        return _choice(number, self._echoes[number]) if self._echoes[number] else None

    def tell(self, number: int, piece: Piece) -> dict[str, Any]:
        """Gives a piece."""
        logprobs = self._logprobs[number]
        return _choice(number, piece.text, None if logprobs is None else logprobs.tell_text(piece.tokens))

    def end(self, number: int, reason: str) -> dict[str, Any]:
        """Says why a text ends."""
        return _choice(number, "", None, reason)


async def _ask(
    model: ServedModel, body: CompletionBody, context: ServeContext, account: Account
) -> tuple[Asked, list[str]]:
    """Returns what the engine is asked, and what stands before each answer."""
    if not model.facts.writes:
        what = f"The model {model.name} does not go on with texts. /v1/models says what each can do."
        raise RequestError(400, what, param="model", code="model_cannot_complete")
    service = await model.text_service()
    prompts, texts = await _read_prompts(service, body)
    check_choices(body, len(prompts), context)
    for prompt in prompts:
        check_length(len(prompt), service, context, "prompt")
    room = choose_room(body.max_tokens, _USUAL, context, "max_tokens")
    requests = await make_requests(service, body, prompts, [room] * len(prompts), body.logprobs)
    echoes = [text if body.echo else "" for text in texts for _ in range(body.choices)]
    return Asked(service, requests, body.stops, sum(map(len, prompts)), context, account), echoes


async def _read_prompts(service: TextService, body: CompletionBody) -> tuple[list[list[int]], list[str]]:
    """Returns the tokens of each prompt, and its text."""
    given = body.prompt
    if isinstance(given, str) or isinstance(given[0], str):
        texts = [given] if isinstance(given, str) else list(given)
        return await read_long(lambda: service.read_texts(texts), sum(map(len, texts))), texts
    rows = cast("list[list[int]]", given if isinstance(given[0], list) else [given])
    if any(not row or max(row) >= service.vocab for row in rows):
        what = f"A prompt of tokens is empty, or has one that is none of the model's {service.vocab:,}."
        raise RequestError(400, what, param="prompt", code="no_such_token")
    return rows, [service.tokenizer.decode(row) for row in rows] if body.echo else [""] * len(rows)


def _choice(number: int, text: str, told: dict[str, Any] | None = None, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": number, "text": text, "logprobs": told, "finish_reason": reason}]}
