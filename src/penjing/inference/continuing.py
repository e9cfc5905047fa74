"""Writes one text after a prompt, piece by piece, whatever chooses its tokens."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from penjing.inference.decoding.request import Constraint
from penjing.inference.decoding.text_stream import TextStream
from penjing.inference.sampling_settings import SamplingSettings
from penjing.text.tokenizer import Tokenizer

Ending = Literal["stop", "length"]


@dataclass(frozen=True)
class Generation:
    """A text that a model made.

    Attributes:
        prompt: what was given.
        text: what was added to it, or, by an encoder-decoder, what was written in answer.
        tokens: how many tokens that is.
        finish_reason: ``stop``: the model ended the text; ``length``: there was room for no more.
        seconds: time it took.
    """

    prompt: str
    text: str
    tokens: int
    finish_reason: Ending
    seconds: float


class Continuing(ABC):
    """Goes on where prompts end, or answers them.

    Args:
        tokenizer: the one the model was trained with.
        end_ids: any of these ends a text.

    Attributes:
        tokenizer: that.
        end_ids: those.
    """

    def __init__(self, tokenizer: Tokenizer, end_ids: frozenset[int]) -> None:
        self.tokenizer, self.end_ids = tokenizer, end_ids

    @property
    def continues(self) -> bool:
        """Whether what is generated goes on where the prompt ends."""
        return True

    @abstractmethod
    def ending_at(self, end_ids: frozenset[int]) -> Self:
        """Returns one whose texts end at these tokens too."""

    @abstractmethod
    def choose_tokens(
        self, read: list[int], settings: SamplingSettings, constraint: Constraint | None = None
    ) -> Generator[int, None, Ending]:
        """Gives the tokens of a text as they are chosen, without the one that ends it; returns why it ends.

        Who takes no more of them closes the generator. Arguments and errors as of `stream_after`.
        """

    def generate(
        self,
        prompt: str,
        settings: SamplingSettings,
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
    ) -> Generation:
        """Continues or answers a text; see `stream`."""
        pieces = self.stream(prompt, settings, stop, constraint)
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                made: Generation = end.value
                return made

    def stream(
        self,
        prompt: str,
        settings: SamplingSettings,
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
    ) -> Generator[str, None, Generation]:
        """Continues or answers a text, gives every piece as soon as its characters are whole, and returns the whole.

        Raises:
            UsageError: the prompt leaves no room in the model's positions.
        """
        return (yield from self.stream_after(self._read_prompt(prompt), settings, prompt, stop, constraint))

    def stream_after(
        self,
        read: list[int],
        settings: SamplingSettings,
        prompt: str = "",
        stop: Sequence[str] = (),
        constraint: Constraint | None = None,
    ) -> Generator[str, None, Generation]:
        """Continues or answers token ids; see `stream`. Who takes no more pieces closes the generator.

        Args:
            read: the prompt, with the special tokens that the model wants around it.
            settings: how tokens are chosen.
            prompt: what the result calls it.
            stop: texts that end what is written; they are not part of it.
            constraint: what may be written; of this text alone.

        Raises:
            UsageError: the prompt leaves no room in the model's positions.
        """
        began, count, reason = time.perf_counter(), 0, "stop"
        stream, pieces = TextStream(self.tokenizer, stop, read if self.continues else ()), list[str]()
        tokens = self.choose_tokens(read, settings, constraint)
        try:
            while stream.stopped_by is None:
                try:
                    token = next(tokens)
                except StopIteration as end:
                    reason = end.value
                    break
                count += 1
                if piece := stream.put(token):
                    yield piece
                    pieces.append(piece)
        finally:
            tokens.close()
        if piece := stream.finish():
            yield piece
            pieces.append(piece)
        ending: Ending = "stop" if reason == "stop" or stream.stopped_by is not None else "length"
        return Generation(prompt, "".join(pieces), count, ending, time.perf_counter() - began)

    def _read_prompt(self, prompt: str) -> list[int]:
        (ids,) = self.tokenizer.encode([prompt])
        end = [] if self.continues else self.tokenizer.prompt_end
        return [*self.tokenizer.prompt_start, *ids, *end] or [self.tokenizer.start_id]
