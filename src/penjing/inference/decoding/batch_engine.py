"""Writes texts with networks that keep no blocks, such as an encoder-decoder or an LSTM: batches take turns."""

from __future__ import annotations

import logging
import sys
from collections.abc import Hashable, Sequence

from penjing.errors import UsageError
from penjing.inference.decoding.interface import EngineLimits, Ticket
from penjing.inference.decoding.loop import EngineLoop, check_prompt, tell_end
from penjing.inference.decoding.request import DecodeRequest, EngineStats, FinishReason, Sink, Token
from penjing.inference.generation import find_room
from penjing.inference.search import Step
from penjing.inference.writing import MAX_WAITS, Batch, Request
from penjing.inference.writing_settings import WritingSettings
from penjing.models.interface import EncoderDecoderModel, GeneratingModel

_log = logging.getLogger(__name__)


class _Asked:
    """A text that is asked for."""

    def __init__(self, request: DecodeRequest, sink: Sink, room: int) -> None:
        self.request, self.sink, self.room = request, sink, room
        self.cancelled = False

    @property
    def kind(self) -> Hashable:
        """Texts of one kind can be written in one batch."""
        request, how = self.request, self.request.settings
        repeats = how.no_repeat_ngram_size
        return how.temperature, how.top_p, request.beams, request.length_penalty, repeats, request.end_ids


class _Batch:
    """Texts that are written together; their numbers are their places."""

    def __init__(self, network: GeneratingModel, texts: Sequence[_Asked], pad_id: int) -> None:
        first = texts[0].request
        how = first.settings
        settings = WritingSettings(
            how.max_tokens,
            first.beams,
            first.length_penalty,
            how.temperature if first.beams == 1 else 0.0,
            how.top_p,
            no_repeat_ngram_size=how.no_repeat_ngram_size,
        )
        requests = [Request(number, text.request.prompt, text.room) for number, text in enumerate(texts)]
        self.open = dict(enumerate(texts))
        self.beams = first.beams
        self._batch = Batch(
            network, requests, settings, first.end_ids, pad_id, [text.request.settings.seed for text in texts]
        )

    def step(self) -> Step:
        """Writes the next token of each text, or reads a part of their prompts."""
        return self._batch.step()

    def give_up(self, text: _Asked) -> None:
        """Goes on no more with a text, if it is one of these."""
        for number in [number for number, open_ in self.open.items() if open_ is text]:
            del self.open[number]
            self._batch.give_up(number)


class BatchEngine(EngineLoop[_Asked]):
    """Writes texts on a thread of its own, as `penjing.inference.writing.Writer` does.

    Requests that wait are written in batches of one kind (as they are drawn or searched for); batches take turns token
    by token, and by parts of long prompts, so that a short answer waits for no long one, nor for a long prompt. What is
    in a batch changes nothing but the rounding of sums.

    Args:
        network: writes; its memory goes with the engine.
        vocab: entries of its vocabulary.
        pad_id: fills shorter rows.
        limits: how much is done at once.
    """

    def __init__(self, network: GeneratingModel, vocab: int, pad_id: int, limits: EngineLimits | None = None) -> None:
        self._network, self._pad_id, self._limits = network, pad_id, limits or EngineLimits()
        super().__init__("writing", self._limits.waiting)
        self._spread = sys.maxsize if isinstance(network, EncoderDecoderModel) else MAX_WAITS
        self._batches: list[_Batch] = []
        self._prompt_tokens = self._written_tokens = 0
        self.vocab = vocab
        self._begin()

    @property
    def longest_row(self) -> int:
        """Tokens that a text can have, its prompt counted."""
        return self._network.longest_row or sys.maxsize

    def submit(self, request: DecodeRequest, sink: Sink) -> Ticket:
        """Takes a request; see `penjing.inference.decoding.interface.WritingEngine`."""
        return self._take(_Asked(request, sink, self._find_room(request)))

    def stats(self) -> EngineStats:
        """Returns what is done now, and was done."""
        return EngineStats(len(self._open()), len(self._waiting), self._prompt_tokens, 0, self._written_tokens, 0, 0)

    def _find_room(self, request: DecodeRequest) -> int:
        how = request.settings
        has_more = how.top_k or how.min_p or how.changes_logits
        if has_more or request.constraint is not None or request.logprobs is not None:
            raise UsageError(
                "this model draws by temperature and top_p alone, without constraints or log-probabilities",
                do="Leave the others out.",
            )
        check_prompt(request.prompt, self.vocab)
        return find_room(self._network, len(request.prompt), how.max_tokens)

    def _open(self) -> Sequence[_Asked]:
        return [text for batch in tuple(self._batches) for text in tuple(batch.open.values())]

    def _turn(self) -> None:
        self._make_batches()
        for batch in tuple(self._batches):
            self._go_on(batch)

    def _finish(self, text: _Asked, reason: FinishReason, error: Exception | None = None) -> None:
        for batch in tuple(self._batches):
            batch.give_up(text)
            if not batch.open:
                self._batches.remove(batch)
        tell_end(text, reason, error)

    def _make_batches(self) -> None:
        """Begins batches of those that wait, each of the kind of the first, while there is room."""
        while self._waiting:
            first = self._waiting[0]
            rows = sum(len(batch.open) * batch.beams for batch in self._batches)
            fits = (self._limits.texts - rows) // first.request.beams
            if fits < 1 and self._batches:
                return
            length = len(first.request.prompt)
            alike = [
                text
                for text in tuple(self._waiting)
                if text.kind == first.kind and abs(len(text.request.prompt) - length) <= self._spread // 2
            ][: max(fits, 1)]
            for text in alike:
                self._waiting.remove(text)
            self._prompt_tokens += sum(len(text.request.prompt) for text in alike)
            try:
                self._batches.append(_Batch(self._network, alike, self._pad_id))
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                _log.exception("a batch could not begin")
                for text in alike:
                    tell_end(text, "error", error)

    def _go_on(self, batch: _Batch) -> None:
        try:
            step = batch.step()
        except Exception as error:  # noqa: BLE001 - as above
            _log.exception("a step failed")
            self._finish_all(batch.open.values(), "error", error)
            return
        for number, token in step.written:
            self._give(batch, number, [token])
        for ended in step.ended:
            if batch.beams > 1:
                self._give(batch, ended.text, ended.ids)
            if ended.text in batch.open:
                text = batch.open.pop(ended.text)
                tell_end(text, "stop" if len(ended.ids) < text.room else "length")
        if not batch.open:
            self._batches.remove(batch)

    def _give(self, batch: _Batch, number: int, ids: Sequence[int]) -> None:
        if (text := batch.open.get(number)) is None:
            return
        self._written_tokens += len(ids)
        try:
            for token in ids:
                text.sink.put(Token(token))
        except RuntimeError:  # who asked is gone: it is given up before the next step
            text.cancelled = True
