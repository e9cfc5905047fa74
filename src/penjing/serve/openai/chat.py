"""``/v1/chat/completions``: a model replies in a dialogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from penjing.data.messages import Message, read_asked
from penjing.errors import DataError, UsageError
from penjing.serve.account import Account, Remembered
from penjing.serve.asked import Asked, Written, check_length, read_long, write_whole
from penjing.serve.bounds import Several
from penjing.serve.context import Context, ServeContext
from penjing.serve.failures import RequestError
from penjing.serve.openai.asking import check_choices, choose_room, make_requests, word_apart
from penjing.serve.openai.body import SampledBody, Usage, count_usage
from penjing.serve.openai.fields import NOT_DONE, Body
from penjing.serve.openai.logprobs import open_logprobs
from penjing.serve.openai.streaming import Opened, make_head, stream_answers
from penjing.serve.served import ServedModel
from penjing.serve.sse import EVENTS, stream_events
from penjing.serve.writing import Piece
from penjing.text.dialogue_renderer import NoRoomError

router = APIRouter(prefix="/v1", tags=["chat"])
_PREFIX = "chatcmpl"  # of ids


class TextPart(Body):
    """A part of what is said; the parts of a message are joined."""

    type: Literal["text"]
    text: str


class ChatMessage(Body):
    """What one side says."""

    not_done: ClassVar[Mapping[str, str]] = {
        **NOT_DONE,
        "tool_calls": "Penjing calls no tools",
        "tool_call_id": "Penjing calls no tools",
        "refusal": "Penjing has no refusals",
        "annotations": "Penjing cites nothing here",
    }

    role: Literal["system", "developer", "user", "assistant"] = Field(description="developer is the same as system")
    content: str | Annotated[list[TextPart], Several(least=0)]
    name: str | None = Field(None, description="changes nothing here")

    @property
    def text(self) -> str:
        """All that is said."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class ChatBody(SampledBody):
    """A dialogue that is to be replied to."""

    messages: Annotated[list[ChatMessage], Several(2000)] = Field(
        description="several of one side in a row stand as the model's chat template writes them, or as one where it "
        "does not"
    )
    max_tokens: StrictInt | None = Field(None, ge=1, description="most tokens of a reply; half of what the model reads")
    max_completion_tokens: StrictInt | None = Field(None, ge=1, description="the same")
    logprobs: StrictBool | None = None
    top_logprobs: StrictInt | None = Field(None, ge=0, le=20)
    truncation: Literal["auto", "disabled"] | None = Field(
        None, description="auto: of a dialogue that is too long the oldest exchanges are not read; disabled: an error"
    )

    @model_validator(mode="after")
    def _agrees(self) -> ChatBody:
        if self.top_logprobs is not None and not self.logprobs:
            raise PydanticCustomError("no_logprobs", "top_logprobs is told with logprobs alone; set it too")
        if None not in (self.max_tokens, self.max_completion_tokens) and self.max_tokens != self.max_completion_tokens:
            raise PydanticCustomError("two_limits", "max_tokens and max_completion_tokens differ; leave one out")
        return self


class Reply(BaseModel):
    """What the model says."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    """An answer."""

    index: int
    message: Reply
    logprobs: dict[str, Any] | None = None
    finish_reason: Literal["stop", "length"]


class ChatCompletion(BaseModel):
    """All answers.

    Attributes:
        dropped_exchanges: at the beginning of the dialogue, that were not read, for there was no room.
    """

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: Usage
    dropped_exchanges: int


@router.post("/chat/completions", response_model=ChatCompletion, responses=EVENTS)
async def chat(body: ChatBody, context: Context, account: Remembered) -> ChatCompletion | Response:
    """Replies in a dialogue; with ``stream`` as server-sent events, piece by piece."""
    account.model = context.pool.peek(body.model).name
    if not body.stream:
        async with context.pool.use(body.model) as model:
            return await _reply(model, body, context, account)

    async def ask(model: ServedModel) -> Opened:
        asked, dropped = await _ask(model, body, context, account)
        head = {**make_head(_PREFIX, model, account), "object": "chat.completion.chunk"}
        return Opened(asked, head, _Wording(asked, dropped, tells_logprobs=bool(body.logprobs)))

    return await stream_events(stream_answers(context, body, ask), context.settings.all_folders)


async def _reply(
    model: ServedModel, body: ChatBody, context: ServeContext, account: Account
) -> ChatCompletion | Response:
    asked, dropped = await _ask(model, body, context, account)
    written, head = await write_whole(asked), make_head(_PREFIX, model, account)
    if body.logprobs:
        return await word_apart(lambda: _word(asked, written, head, dropped, tells_logprobs=True))
    return _word(asked, written, head, dropped, tells_logprobs=False)


def _word(
    asked: Asked, written: Sequence[Written], head: dict[str, Any], dropped: int, *, tells_logprobs: bool
) -> ChatCompletion:
    """Words the replies."""
    logprobs = open_logprobs(asked, tells=tells_logprobs)
    choices = [
        ChatChoice(
            index=number,
            message=Reply(content=text.text),
            logprobs=None if told is None else told.tell_chat(text.tokens),
            finish_reason=text.reason,
        )
        for number, (text, told) in enumerate(zip(written, logprobs, strict=True))
    ]
    usage = count_usage(asked.prompt_tokens, sum(text.count for text in written))
    return ChatCompletion(**head, choices=choices, usage=usage, dropped_exchanges=dropped)


class _Wording:
    """Pieces of replies; the first of each says whose it is, and how much of the dialogue was not read."""

    def __init__(self, asked: Asked, dropped: int, *, tells_logprobs: bool) -> None:
        self._dropped, self._logprobs = dropped, open_logprobs(asked, tells=tells_logprobs)

    def begin(self, number: int) -> dict[str, Any]:
        """Says who speaks."""
        first = _choice(number, {"role": "assistant", "content": ""})
        return {**first, "dropped_exchanges": self._dropped} if self._dropped else first

    def tell(self, number: int, piece: Piece) -> dict[str, Any]:
        """Gives a piece."""
        logprobs = self._logprobs[number]
        return _choice(number, {"content": piece.text}, None if logprobs is None else logprobs.tell_chat(piece.tokens))

    def end(self, number: int, reason: str) -> dict[str, Any]:
        """Says why a reply ends."""
        return _choice(number, {}, None, reason)


async def _ask(model: ServedModel, body: ChatBody, context: ServeContext, account: Account) -> tuple[Asked, int]:
    """Returns what the engine is asked, and how many exchanges found no place in it."""
    if not model.facts.chats:
        what = f"The model {model.name} has no chat template, so it does not reply. /v1/models says what each can do."
        raise RequestError(400, what, param="model", code="model_cannot_chat")
    messages = _read_messages(body)
    service = await model.text_service()
    check_choices(body, 1, context)
    param = "max_tokens" if body.max_completion_tokens is None else "max_completion_tokens"
    wanted = body.max_completion_tokens or body.max_tokens
    room = choose_room(wanted, service.window // 2, context, param)
    kept = min(room, service.window // 2)
    try:
        prompt = await read_long(lambda: service.read_dialogue(messages, kept), sum(len(m.content) for m in messages))
    except NoRoomError as error:
        raise RequestError(400, str(error), param="messages", code="context_length_exceeded") from error
    if prompt.dropped and body.truncation == "disabled":
        what = f"The dialogue does not fit into the {service.window:,} tokens that the model reads. Shorten it."
        raise RequestError(400, what, param="messages", code="context_length_exceeded")
    check_length(len(prompt.ids), service, context, "messages")
    most = min(room, service.window - len(prompt.ids))
    logprobs = (body.top_logprobs or 0) if body.logprobs else None
    requests = await make_requests(service, body, [prompt.ids], [most], logprobs)
    return Asked(service, requests, body.stops, len(prompt.ids), context, account), prompt.dropped


def _read_messages(body: ChatBody) -> list[Message]:
    """Returns the messages as the renderer takes them: all that stands first and is the system's, in one."""
    said = [(message.role.replace("developer", "system"), message.text) for message in body.messages]
    first = next((place for place, (role, _) in enumerate(said) if role != "system"), len(said))
    system = [("system", "\n\n".join(text for _, text in said[:first]))] if first else []
    values = [{"role": role, "content": text} for role, text in [*system, *said[first:]]]
    try:
        return read_asked(values, "messages")
    except (DataError, UsageError) as error:
        raise RequestError(400, str(error), param="messages", code="invalid_messages") from error


def _choice(
    number: int, delta: dict[str, Any], told: dict[str, Any] | None = None, reason: str | None = None
) -> dict[str, Any]:
    return {"choices": [{"index": number, "delta": delta, "logprobs": told, "finish_reason": reason}]}
