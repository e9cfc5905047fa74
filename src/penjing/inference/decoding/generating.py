"""The engine for one who waits for one text: the same pieces as of a `penjing.inference.generation.TextGenerator`."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from penjing.inference.decoding.engine import DecodingEngine
from penjing.inference.decoding.loading import EngineSettings, load_engine
from penjing.inference.decoding.request import DecodeRequest, FinishReason, Token
from penjing.inference.decoding.text_stream import TextStream
from penjing.inference.dialogue import Replier, make_replier
from penjing.inference.generation import Generation
from penjing.inference.sampling import SamplingSettings
from penjing.text.tokenizer import Tokenizer


class _Waiting:
    """A sink that hands over what comes to another thread."""

    def __init__(self) -> None:
        self.events: SimpleQueue[Token | tuple[FinishReason, Exception | None]] = SimpleQueue()

    def put(self, token: Token) -> None:
        self.events.put(token)

    def finish(self, reason: FinishReason, error: Exception | None = None) -> None:
        self.events.put((reason, error))


class EngineGenerator:
    """Continues texts on an engine.

    Args:
        engine: writes.
        tokenizer: the one the model was trained with.
        end_ids: any of these ends a text.
    """

    def __init__(self, engine: DecodingEngine, tokenizer: Tokenizer, end_ids: frozenset[int]) -> None:
        self._engine, self._tokenizer, self._end_ids = engine, tokenizer, end_ids

    def ending_at(self, end_ids: frozenset[int]) -> EngineGenerator:
        """Returns a generator whose texts end at these tokens too."""
        return EngineGenerator(self._engine, self._tokenizer, self._end_ids | end_ids)

    def stream_after(
        self, read: list[int], settings: SamplingSettings, prompt: str = "", stop: Sequence[str] = ()
    ) -> Generator[str, None, Generation]:
        """Continues token ids, gives every piece as soon as it is certain, and returns the whole.

        Who takes no more pieces closes the generator, and the engine gives the text up.

        Args:
            read: the prompt, with the special tokens that the model wants around it.
            settings: how tokens are chosen.
            prompt: what the result calls it.
            stop: texts that end what is written; they are not part of it.

        Raises:
            UsageError: the prompt leaves no room in the model's positions.
        """
        began, sink = time.perf_counter(), _Waiting()
        stream, pieces, tokens = TextStream(self._tokenizer, stop, read), list[str](), 0
        reason: Literal["stop", "length"] = "stop"
        ticket = self._engine.submit(DecodeRequest(tuple(read), settings, self._end_ids), sink)
        try:
            while stream.stopped_by is None:
                event = sink.events.get()
                if not isinstance(event, Token):
                    if event[1] is not None:
                        raise event[1]
                    reason = "length" if event[0] == "length" else "stop"
                    break
                tokens += 1
                if piece := stream.put(event.id):
                    yield piece
                    pieces.append(piece)
        finally:
            ticket.cancel()
        if piece := stream.finish():
            yield piece
            pieces.append(piece)
        return Generation(prompt, "".join(pieces), tokens, reason, time.perf_counter() - began)


def load_fast_replier(folder: Path, settings: EngineSettings) -> tuple[Replier, DecodingEngine]:
    """Loads a Llama-like decoder with a chat template into an engine of its own, which is to be closed.

    Raises:
        ModelFolderError: a file is missing or broken, the model is no such decoder, or there is no chat template.
        UsageError: there is no such device.
    """
    served = load_engine(folder, replace(settings, draft="lookup"))
    try:
        generator = EngineGenerator(served.engine, served.tokenizer, served.end_ids)
        return make_replier(folder, generator, served.tokenizer, served.engine.longest_row), served.engine
    except BaseException:
        served.engine.close()
        raise
