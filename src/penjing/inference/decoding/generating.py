"""The engine for one who waits for one text: the same pieces as of a `penjing.inference.generation.TextGenerator`."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from penjing.inference.continuing import Continuing, Ending
from penjing.inference.decoding.interface import WritingEngine
from penjing.inference.decoding.loading import EngineSettings, load_engine
from penjing.inference.decoding.request import Constraint, DecodeRequest, FinishReason, Token
from penjing.inference.dialogue import Replier, make_replier
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


class EngineGenerator(Continuing):
    """Continues texts on an engine, which gives a text up when nobody takes more of it.

    Args:
        engine: writes.
        tokenizer: the one the model was trained with.
        end_ids: any of these ends a text.
    """

    def __init__(self, engine: WritingEngine, tokenizer: Tokenizer, end_ids: frozenset[int]) -> None:
        super().__init__(tokenizer, end_ids)
        self._engine = engine

    def ending_at(self, end_ids: frozenset[int]) -> EngineGenerator:
        """Returns a generator whose texts end at these tokens too."""
        return EngineGenerator(self._engine, self.tokenizer, self.end_ids | end_ids)

    def choose_tokens(
        self, read: list[int], settings: SamplingSettings, constraint: Constraint | None = None
    ) -> Generator[int, None, Ending]:
        """Gives the tokens of a text; see `Continuing`."""
        sink = _Waiting()
        request = DecodeRequest(tuple(read), settings, self.end_ids, constraint=constraint)
        ticket = self._engine.submit(request, sink)
        try:
            while isinstance(event := sink.events.get(), Token):
                yield event.id
        finally:
            ticket.cancel()
        reason, error = event
        if error is not None:
            raise error
        return "length" if reason == "length" else "stop"


def load_fast_generator(folder: Path, settings: EngineSettings) -> tuple[EngineGenerator, WritingEngine]:
    """Loads a Llama-like decoder into an engine of its own, which is to be closed; what came before is looked up.

    Raises:
        ModelFolderError: a file is missing or broken, or the model is no such decoder.
        UsageError: there is no such device.
    """
    served = load_engine(folder, replace(settings, draft="lookup"))
    return EngineGenerator(served.engine, served.tokenizer, served.end_ids), served.engine


def load_fast_replier(folder: Path, settings: EngineSettings) -> tuple[Replier, WritingEngine]:
    """Loads a Llama-like decoder with a chat template into an engine of its own, which is to be closed.

    Raises:
        ModelFolderError: a file is missing or broken, the model is no such decoder, or there is no chat template.
        UsageError: there is no such device.
    """
    generator, engine = load_fast_generator(folder, settings)
    try:
        return make_replier(folder, generator, generator.tokenizer, engine.longest_row), engine
    except BaseException:
        engine.close()
        raise
