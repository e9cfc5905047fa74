"""Texts written by the decoding engine, as pieces of text for whoever waits on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from penjing.data.messages import Message
from penjing.errors import PenjingError
from penjing.inference.decoding.constraints import ConstraintMaker
from penjing.inference.decoding.interface import EngineFullError, Ticket, WritingEngine
from penjing.inference.decoding.loading import EngineSettings, Served, load_batch_engine, load_engine
from penjing.inference.decoding.request import DecodeRequest, EngineStats, Token
from penjing.inference.decoding.text_stream import TextStream
from penjing.inference.dialogue import find_window
from penjing.serve.constraint_desk import ConstraintDesk
from penjing.serve.failures import busy
from penjing.serve.letters import End, Inbox, Post, Sender
from penjing.serve.settings import ServeSettings
from penjing.text.chat_template import read_chat_template
from penjing.text.dialogue_renderer import DialogueRenderer, Prompt
from penjing.text.tokenizer import Tokenizer

_AT_ONCE = 32  # texts of one request: half of what an engine writes at once
_PAUSE_S = 0.05  # before an engine whose line was full is asked again


@dataclass(frozen=True)
class Piece:
    """What came of a text.

    Attributes:
        text: whole characters; what might begin a stop string waits until it is known.
        tokens: that the text is of.
    """

    text: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Ending:
    """A text is complete.

    Attributes:
        reason: ``stop``: the model ended it, or a stop string came; ``length``: there was room for no more.
        tokens: how many were written, those of a stop string included.
    """

    reason: Literal["stop", "length"]
    tokens: int


class TextService:
    """A model that writes, with what lies between text and its tokens.

    Args:
        engine: writes.
        tokenizer: of the model.
        end_ids: any of these ends a text.
        renderer: lays dialogues out; None: the model has no chat template.
        start: tokens that stand before a text which is to be gone on with.
    """

    def __init__(
        self,
        engine: WritingEngine,
        tokenizer: Tokenizer,
        end_ids: frozenset[int],
        renderer: DialogueRenderer | None,
        start: Sequence[int] = (),
    ) -> None:
        self.tokenizer, self.renderer, self.end_ids = tokenizer, renderer, end_ids
        self._engine, self._start = engine, list(start)
        self._post: Post | None = None
        self.constraints = ConstraintDesk(ConstraintMaker(tokenizer, end_ids, tries=True))

    @property
    def longest_row(self) -> int:
        """Tokens that a text can have, its prompt counted."""
        return self._engine.longest_row

    @property
    def window(self) -> int:
        """Tokens that a dialogue can have, its reply counted."""
        return self.longest_row if self.renderer is None else self.renderer.max_tokens

    @property
    def vocab(self) -> int:
        """Entries of the model's vocabulary."""
        return self._engine.vocab

    def read_texts(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the tokens of texts that are to be gone on with."""
        start = self._start or self.tokenizer.prompt_start
        return [[*start, *ids] or [self.tokenizer.start_id] for ids in self.tokenizer.encode(list(texts))]

    def read_dialogue(self, messages: Sequence[Message], room: int) -> Prompt:
        """Returns the tokens of a dialogue that is to be replied to; the oldest exchanges go where it is too long.

        Raises:
            DataError: the last message leaves no room, or the template refuses the dialogue.
        """
        assert self.renderer is not None
        return self.renderer.render_prompt(messages, room)

    def stats(self) -> EngineStats:
        """Returns what the engine does now, and has done."""
        return self._engine.stats()

    async def write(
        self,
        requests: Sequence[DecodeRequest],
        stop: Sequence[str] = (),
        deadline: float = float("inf"),
        *,
        goes_on: bool = True,
    ) -> AsyncGenerator[tuple[int, Piece | Ending]]:
        """Gives pieces of texts, each with the number of its request, as they come; of each its ending last.

        Whoever stops asking has the texts cancelled that are not complete: use it within `contextlib.aclosing`. Of
        many texts so many are asked of the engine at once that others need not wait for all of them.

        Args:
            requests: what is written.
            stop: strings that end a text, and are not given.
            deadline: by when all are complete, in seconds of the loop's clock.
            goes_on: whether a text goes on where its prompt ends, so that its first token is read after those of that;
                else it is read as the beginning of a text.

        Raises:
            TimeoutError: time is up.
            UsageError: a prompt leaves no room, or a stop string is empty.
            RequestError: too many texts wait (429), and none of these is begun.
            PenjingError: a text could not be written.
        """
        texts = [_Text(self.tokenizer, request, stop, goes_on=goes_on) for request in requests]
        inbox, tickets, ended = Inbox(), list[Ticket](), 0
        if self._post is None:
            self._post = Post(asyncio.get_running_loop())
        timer = None
        if deadline < float("inf"):
            timer = asyncio.get_running_loop().call_at(deadline, inbox.expire)
        try:
            while ended < len(texts):
                self._submit(requests, tickets, ended, inbox)
                if len(tickets) == ended:  # none is open, and the engine's line is full
                    asyncio.get_running_loop().call_later(_PAUSE_S, inbox.wake)
                for number, letter in await inbox.take():
                    for item in texts[number].take(letter):
                        if isinstance(item, Ending):
                            ended += 1
                            tickets[number].cancel()
                        yield number, item
        finally:
            if timer is not None:
                timer.cancel()
            for ticket in tickets:
                ticket.cancel()

    def _submit(self, requests: Sequence[DecodeRequest], tickets: list[Ticket], ended: int, inbox: Inbox) -> None:
        """Asks the engine for the next texts, while few of the request are open."""
        assert self._post is not None
        while len(tickets) < min(len(requests), ended + _AT_ONCE):
            number = len(tickets)
            try:
                tickets.append(self._engine.submit(requests[number], Sender(self._post, inbox, number)))
            except EngineFullError as error:
                if not tickets:  # nothing of this request is written
                    raise busy(str(error)) from error
                return

    def close(self, drain_s: float) -> None:
        """Ends the engine, after what it has begun; see `WritingEngine`."""
        self._engine.close(drain_s)


class _Text:
    """A text as its tokens come."""

    def __init__(self, tokenizer: Tokenizer, request: DecodeRequest, stop: Sequence[str], *, goes_on: bool) -> None:
        context = request.prompt if goes_on else ()
        self._stream = TextStream(tokenizer, stop, context)
        # Where log-probabilities are told, those of a stop string are not: then it counts where each token begins.
        self._plain = TextStream(tokenizer, (), context) if stop and request.logprobs is not None else None
        self._held: list[tuple[int, Token]] = []  # tokens that were not given, with where they begin
        self._read = self._given = self._count = 0
        self._is_done = False

    def take(self, letter: Token | End) -> list[Piece | Ending]:
        """Returns what a letter makes certain."""
        if self._is_done:
            return []
        if isinstance(letter, End):
            return self._end(letter)
        self._count += 1
        self._held.append((self._read, letter))
        if self._plain is not None:
            self._read += len(self._plain.put(letter.id))
        text = self._stream.put(letter.id)
        if self._stream.stopped_by is not None:
            self._is_done = True
            return [*self._give(text, is_last=True), Ending("stop", self._count)]
        return self._give(text) if text else []

    def _end(self, end: End) -> list[Piece | Ending]:
        self._is_done = True
        if end.reason == "error":
            if isinstance(end.error, PenjingError):
                raise end.error
            raise PenjingError(f"the text could not be written ({end.error})", do="Ask again.") from end.error
        if end.reason == "cancelled":
            raise PenjingError("the model was taken away while it wrote", do="Ask again.")
        rest = self._give(self._stream.finish())
        reason: Literal["stop", "length"] = "stop" if self._stream.stopped_by is not None else end.reason
        return [*rest, Ending(reason, self._count)]

    def _give(self, text: str, *, is_last: bool = False) -> list[Piece | Ending]:
        self._given += len(text)
        known = self._plain is None or not is_last
        tokens = tuple(token for begin, token in self._held if known or begin < self._given)
        self._held.clear()
        return [Piece(text, tokens)] if text or tokens else []


def load_task_service(folder: Path) -> TextService:
    """Loads a model that writes, and is no decoder of the Llama family: it is asked for what it was fine-tuned for.

    Raises:
        PenjingError: a file is missing or broken, or the model does not write.
    """
    served = load_batch_engine(folder)
    return TextService(served.engine, served.tokenizer, served.end_ids, None)


def load_text_service(folder: Path, settings: ServeSettings, *, is_trained_on_texts: bool) -> TextService:
    """Loads a decoder of the Llama family.

    Args:
        folder: of the model.
        settings: of the server: weights, threads, and how much waits.
        is_trained_on_texts: whether it was fine-tuned to go on with texts, which then begin with a start token.

    Raises:
        PenjingError: a file is missing or broken, or the model is no decoder.
    """
    wanted = EngineSettings(
        weights=settings.weights, threads=settings.threads, cache_mb=settings.cache_mb, draft=settings.draft
    )
    served = load_engine(folder, wanted)
    try:
        return _around(served, folder, is_trained_on_texts=is_trained_on_texts)
    except BaseException:
        served.engine.close()  # else its memory would stay, once for each request that has it loaded again
        raise


def _around(served: Served, folder: Path, *, is_trained_on_texts: bool) -> TextService:
    tokenizer, template = served.tokenizer, read_chat_template(folder)
    renderer = None
    if template is not None:
        renderer = DialogueRenderer(tokenizer, template, find_window(folder, served.engine.longest_row))
    ends = served.end_ids | (renderer.end_ids if renderer is not None else frozenset())
    start = [tokenizer.start_id] if is_trained_on_texts and not tokenizer.prompt_start else []
    return TextService(served.engine, tokenizer, ends, renderer, start)
