"""Texts of networks that keep no blocks: those of `Writer`, in batches that take turns."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from penjing.errors import UsageError
from penjing.inference.decoding.batch_engine import BatchEngine
from penjing.inference.decoding.collecting import Collected, write_all
from penjing.inference.decoding.interface import EngineClosedError, EngineFullError, EngineLimits
from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.drawing import seed_of
from penjing.inference.sampling import SamplingSettings
from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.models.lstm import LstmForCausalLM
from penjing.models.lstm import initialize as initialize_lstm
from penjing.models.lstm_config import LstmConfig
from penjing.models.t5 import T5

ENDS, VOCAB = frozenset([3, 4, 5]), 60


def make(family: str) -> Any:
    if family == "lstm":
        config = LstmConfig(vocab_size=VOCAB, embedding_size=16, hidden_size=16, initializer_range=1.0)
        network: Any = LstmForCausalLM(config)
        initialize_lstm(network, config, 0)
        return network.eval()
    shape = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "vocab_size": VOCAB}
    t5 = T5.config_from_dict({**T5.fresh_shape, **shape, "pad_token_id": 0})
    network = T5.language_model(t5)
    T5.initialize(network, t5, 0)
    return network.eval()


def requests_of(count: int, seed: int = 0) -> list[DecodeRequest]:
    chance, found = random.Random(seed), []
    for _ in range(count):
        prompt = tuple(chance.randrange(6, VOCAB) for _ in range(chance.randrange(1, 70)))
        beams, temperature = chance.choice([(1, 0.0), (1, 1.0), (1, 1.7), (3, 0.0), (4, 0.0)])
        settings = SamplingSettings(chance.randrange(1, 25), temperature, 1.0, seed_of(prompt, 7))
        found.append(DecodeRequest(prompt, settings, ENDS, beams=beams, length_penalty=1.5))
    return found


def alone(network: Any, request: DecodeRequest) -> tuple[list[int], str]:
    how = request.settings
    settings = WritingSettings(how.max_tokens, request.beams, request.length_penalty, how.temperature, how.top_p, 7)
    [written] = Writer(network, ENDS, 0).write([request.prompt], settings)
    return written.ids, written.finish_reason


@pytest.fixture
def engine() -> Iterator[BatchEngine]:
    made = BatchEngine(make("lstm"), VOCAB, 0, EngineLimits(texts=4, waiting=20))
    yield made
    made.close()


@pytest.mark.parametrize("family", ["t5", "lstm"])
def test_texts_are_those_of_the_writer(family: str) -> None:
    network, requests = make(family), requests_of(40)
    engine = BatchEngine(network, VOCAB, 0)
    sinks = [Collected() for _ in requests]
    for request, sink in zip(requests, sinks, strict=True):
        engine.submit(request, sink)
    assert [(sink.wait(), sink.reason) for sink in sinks] == [alone(network, request) for request in requests]
    stats = engine.stats()
    assert (stats.active, stats.waiting) == (0, 0)
    assert stats.prompt_tokens == sum(len(request.prompt) for request in requests)
    assert stats.written_tokens == sum(len(sink.tokens) for sink in sinks)
    engine.close()


def test_a_short_text_does_not_wait_for_a_long_one(engine: BatchEngine) -> None:
    long, short = Collected(), Collected()
    ticket = engine.submit(DecodeRequest((7,), SamplingSettings(10**6, 0.0), frozenset()), long)
    while not long.tokens:
        pass
    engine.submit(DecodeRequest((8,), SamplingSettings(5, 0.0), frozenset()), short)
    assert len(short.wait()) == 5
    assert long.reason is None
    ticket.cancel()
    long.wait()
    assert long.reason == "cancelled"


def test_a_short_text_does_not_wait_until_a_long_prompt_is_read(engine: BatchEngine) -> None:
    long, short = Collected(), Collected()
    prompt = tuple(7 + number % 40 for number in range(2_000_000))
    ticket = engine.submit(DecodeRequest(prompt, SamplingSettings(1, 0.0), frozenset()), long)
    while engine.stats().active == 0:
        pass
    engine.submit(DecodeRequest((8,), SamplingSettings(5, 0.0), frozenset()), short)
    assert len(short.wait()) == 5
    assert long.reason is None
    ticket.cancel()
    long.wait()
    assert (long.reason, long.tokens) == ("cancelled", [])


def test_texts_are_the_same_though_their_prompts_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    network, requests = make("lstm"), requests_of(30, seed=5)
    expected = [alone(network, request) for request in requests]
    monkeypatch.setattr("penjing.inference.writing.READ_AT_ONCE", 16)
    engine = BatchEngine(network, VOCAB, 0)
    sinks = [Collected() for _ in requests]
    for request, sink in zip(requests, sinks, strict=True):
        engine.submit(request, sink)
    assert [(sink.wait(), sink.reason) for sink in sinks] == expected
    engine.close()


def test_cancelled_texts_leave_their_batch_to_the_others() -> None:
    network, requests = make("t5"), [request for request in requests_of(60, seed=3) if request.beams == 1][:20]
    engine = BatchEngine(network, VOCAB, 0)
    sinks = [Collected() for _ in requests]
    tickets = [engine.submit(request, sink) for request, sink in zip(requests, sinks, strict=True)]
    for ticket in tickets[::2]:
        ticket.cancel()
    for request, sink in list(zip(requests, sinks, strict=True))[1::2]:
        assert (sink.wait(), sink.reason) == alone(network, request)
    for sink in sinks[::2]:
        sink.wait()
        assert sink.reason in ("cancelled", "stop", "length")
    engine.close()


def test_sink_that_is_gone_ends_its_text_alone(engine: BatchEngine) -> None:
    class Gone(Collected):
        def put(self, token: object) -> None:
            raise RuntimeError("the loop is closed")

    gone, other = Gone(), Collected()
    settings = SamplingSettings(200, 0.0)
    engine.submit(DecodeRequest((7, 8), settings, frozenset()), gone)
    engine.submit(DecodeRequest((9, 8), settings, frozenset()), other)
    assert len(other.wait()) == 200
    gone.wait()
    assert gone.reason == "cancelled"


def test_step_that_fails_ends_its_texts_and_the_engine_goes_on(
    engine: BatchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = threading.Event()
    score = engine._network.score

    def failing(hidden: torch.Tensor) -> torch.Tensor:
        if fails.is_set():
            raise RuntimeError("no memory")
        return score(hidden)

    monkeypatch.setattr(engine._network, "score", failing)
    fails.set()
    with pytest.raises(RuntimeError, match="no memory"):
        write_all(engine, [DecodeRequest((7,), SamplingSettings(3, 0.0), frozenset())])
    fails.clear()
    assert len(write_all(engine, [DecodeRequest((7,), SamplingSettings(3, 0.0), frozenset())])[0]) == 3


def test_too_many_that_wait_are_refused_and_closing_completes_the_others() -> None:
    engine = BatchEngine(make("lstm"), VOCAB, 0, EngineLimits(texts=2, waiting=3))
    sinks = [Collected() for _ in range(40)]
    taken = []
    for sink in sinks:
        try:
            engine.submit(DecodeRequest((7,), SamplingSettings(30, 0.0), frozenset()), sink)
            taken.append(sink)
        except EngineFullError:
            continue
    assert 3 <= len(taken) < 40
    engine.close(60)
    assert {sink.reason for sink in taken} == {"length"}
    with pytest.raises(EngineClosedError):
        engine.submit(DecodeRequest((7,), SamplingSettings(3, 0.0), frozenset()), Collected())


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (DecodeRequest((), SamplingSettings(3, 0.0), ENDS), "no tokens"),
        (DecodeRequest((7, VOCAB), SamplingSettings(3, 0.0), ENDS), "none of the 60"),
        (DecodeRequest((7,), SamplingSettings(3, 1.0, top_k=5), ENDS), "temperature and top_p alone"),
        (DecodeRequest((7,), SamplingSettings(3, 0.0), ENDS, logprobs=0), "temperature and top_p alone"),
    ],
)
def test_what_it_cannot_write_is_refused(engine: BatchEngine, request_: DecodeRequest, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        engine.submit(request_, Collected())
