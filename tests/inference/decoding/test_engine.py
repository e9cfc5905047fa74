"""Many texts at once: each is the one that it would be alone."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from tests.inference.native.test_decoder import KINDS, SMALL, make
from torch import Tensor

from penjing.errors import UsageError
from penjing.inference.decoding.collecting import Collected, write_all
from penjing.inference.decoding.draft_model import DraftModel, check_vocabulary
from penjing.inference.decoding.engine import DecodingEngine
from penjing.inference.decoding.interface import EngineClosedError, EngineFullError, EngineLimits
from penjing.inference.decoding.lookup import PromptLookup
from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.decoding.rows import Rows
from penjing.inference.decoding.sampler import SampleState
from penjing.inference.decoding.torch_stepper import TorchStepper
from penjing.inference.native.decoder import NativeDecoder
from penjing.inference.native.packing import Weights
from penjing.inference.sampling import SamplingSettings, choose_token
from penjing.models.llama import LlamaForCausalLM
from penjing.models.llama_config import LlamaConfig

END = 3


def requests_of(count: int, seed: int = 0, longest: int = 90) -> list[DecodeRequest]:
    chance = random.Random(seed)
    return [
        DecodeRequest(
            tuple(chance.randrange(203) for _ in range(chance.randrange(1, longest))),
            SamplingSettings(chance.randrange(1, 30), chance.choice([0.0, 1.0]), seed=number),
            frozenset([END]),
        )
        for number in range(count)
    ]


def write(
    network: LlamaForCausalLM, requests: Sequence[DecodeRequest], weights: Weights, blocks: int
) -> list[list[int]]:
    engine = DecodingEngine(NativeDecoder(network, weights, blocks, 2))
    try:
        return write_all(engine, requests)
    finally:
        engine.close()


@torch.inference_mode()
def greedy(network: LlamaForCausalLM, request: DecodeRequest, longest: int) -> list[int]:
    """Reads the whole text anew for every token."""
    ids, written = list(request.prompt), list[int]()
    settings = replace(request.settings, temperature=0.0)
    while len(written) < settings.max_tokens and len(ids) < longest:
        token = choose_token(network(torch.tensor([ids]))[0, -1], settings, torch.Generator())
        if token in request.end_ids:
            break
        ids.append(token)
        written.append(token)
    return written


def wait_until_idle(engine: DecodingEngine, timeout_s: float) -> bool:
    """Returns whether an engine has nothing to do, after waiting for that so long at most."""
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        stats = engine.stats()
        if not stats.active and not stats.waiting:
            return True
        time.sleep(0.01)
    return False


def test_greedy_texts_are_those_of_the_whole_network() -> None:
    network = make(KINDS["qwen3"])
    requests = [replace(r, settings=replace(r.settings, temperature=0.0)) for r in requests_of(12)]
    assert write(network, requests, "fp32", 60) == [greedy(network, request, 128) for request in requests]


@pytest.mark.parametrize("weights", ["fp32", "bf16", "int8", "int4"])
def test_text_is_the_same_whatever_is_beside_it(weights: Weights) -> None:
    network, requests = make(KINDS["llama"]), requests_of(25)
    alone = [write(network, [request], weights, 100)[0] for request in requests[:8]]
    assert write(network, requests, weights, 100)[:8] == alone


def test_text_is_the_same_where_there_is_little_room() -> None:
    network, requests = make(KINDS["llama"]), requests_of(25)
    assert write(network, requests, "int8", 9) == write(network, requests, "int8", 200)


def test_known_beginning_is_not_read_again() -> None:
    network, request = make(KINDS["llama"]), requests_of(1)[0]
    request = replace(request, prompt=tuple(range(4, 84)))
    engine = DecodingEngine(NativeDecoder(network, "bf16", 100, 1))
    first = write_all(engine, [request])
    read = engine.stats().prompt_tokens
    again = write_all(engine, [request])
    assert again == first
    assert engine.stats().cached_tokens == 64
    assert engine.stats().prompt_tokens == read + 16
    engine.close()


def test_long_prompt_does_not_hold_up_others() -> None:
    network = make(LlamaConfig(**{**SMALL, "max_position_embeddings": 4096}))
    engine = DecodingEngine(NativeDecoder(network, "int8", 400, 1), EngineLimits(prompt_rows=32))
    order: list[str] = []

    class Noting(Collected):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def put(self, token: object) -> None:
            order.append(self.name)

    short, long = Noting("short"), Noting("long")
    settings = SamplingSettings(40, 0.0)
    engine.submit(DecodeRequest((5, 6), settings, frozenset()), short)
    engine.submit(DecodeRequest(tuple([7, 8, 9] * 1000), settings, frozenset()), long)
    short.wait()
    long.wait()
    engine.close()
    assert order.index("long") > 35  # the prompt is read in parts of 32, between which the short text goes on


def test_end_is_not_given_and_length_is_kept() -> None:
    network = make(KINDS["llama"])
    request = DecodeRequest((5, 6, 7), SamplingSettings(20, 0.0), frozenset())
    (free,) = write(network, [request], "fp32", 20)
    assert len(free) == 20
    place = next(place for place, token in enumerate(free) if token not in free[:place] and place)
    engine = DecodingEngine(NativeDecoder(network, "fp32", 20, 1))
    sink = Collected()
    engine.submit(replace(request, end_ids=frozenset([free[place]])), sink)
    assert sink.wait() == free[:place]
    assert sink.reason == "stop"
    engine.close()


def test_text_stops_at_the_last_position() -> None:
    engine = DecodingEngine(NativeDecoder(make(KINDS["llama"]), "fp32", 20, 1))
    sink = Collected()
    engine.submit(DecodeRequest(tuple([5] * 120), SamplingSettings(50, 0.0), frozenset()), sink)
    assert len(sink.wait()) == 8
    assert sink.reason == "length"
    engine.close()


def test_cancelled_text_ends_and_others_go_on() -> None:
    network = make(LlamaConfig(**{**SMALL, "max_position_embeddings": 4096}))
    engine = DecodingEngine(NativeDecoder(network, "int8", 600, 1))
    settings = SamplingSettings(3000, 0.0)
    began = threading.Event()

    class Telling(Collected):
        def put(self, token: object) -> None:
            began.set()

    unwanted, wanted = Telling(), Collected()
    ticket = engine.submit(DecodeRequest((5, 6), settings, frozenset()), unwanted)
    began.wait(30)
    engine.submit(DecodeRequest((7, 8), replace(settings, max_tokens=20), frozenset()), wanted)
    ticket.cancel()
    unwanted.wait()
    assert unwanted.reason == "cancelled"
    assert len(wanted.wait()) == 20
    assert wait_until_idle(engine, 10)
    assert engine.stats().blocks_used == 0
    engine.close()


def test_sink_that_is_gone_ends_its_text_alone() -> None:
    class Gone(Collected):
        def put(self, token: object) -> None:
            raise RuntimeError("the loop is closed")

    engine = DecodingEngine(NativeDecoder(make(KINDS["llama"]), "int8", 40, 1))
    gone, there = Gone(), Collected()
    for sink in (gone, there):
        engine.submit(DecodeRequest((5, 6), SamplingSettings(20, 0.0), frozenset()), sink)
    gone.wait()
    assert gone.reason == "cancelled"
    assert len(there.wait()) == 20
    engine.close()


@pytest.mark.parametrize(
    ("prompt", "said"),
    [((), "no tokens"), ((5,) * 128, "room for 128"), ((203,), "none of the 203"), ((-1,), "none of")],
)
def test_impossible_prompt_is_refused(prompt: tuple[int, ...], said: str) -> None:
    engine = DecodingEngine(NativeDecoder(make(KINDS["llama"]), "fp32", 20, 1))
    with pytest.raises(UsageError, match=said):
        engine.submit(DecodeRequest(prompt, SamplingSettings(5), frozenset()), Collected())
    engine.close()


def test_too_many_that_wait_are_refused_and_the_others_complete() -> None:
    network = make(LlamaConfig(**{**SMALL, "max_position_embeddings": 4096}))
    engine = DecodingEngine(NativeDecoder(network, "int8", 600, 1), EngineLimits(texts=1, waiting=3))
    sinks, refused = [], 0
    for _ in range(10):
        sink = Collected()
        try:
            engine.submit(DecodeRequest((5, 6), SamplingSettings(200, 0.0), frozenset()), sink)
            sinks.append(sink)
        except EngineFullError:
            refused += 1
    assert refused >= 6
    assert all(len(sink.wait()) == 200 for sink in sinks)
    engine.close()


def test_closing_completes_what_was_taken() -> None:
    engine = DecodingEngine(NativeDecoder(make(KINDS["llama"]), "int8", 40, 1))
    sinks = [Collected() for _ in range(5)]
    for sink in sinks:
        engine.submit(DecodeRequest((5, 6), SamplingSettings(60, 0.0), frozenset()), sink)
    engine.close(drain_s=60)
    assert [len(sink.wait()) for sink in sinks] == [60] * 5
    with pytest.raises(EngineClosedError):
        engine.submit(DecodeRequest((5, 6), SamplingSettings(5), frozenset()), Collected())


def test_closing_at_once_cancels_what_is_not_complete() -> None:
    network = make(LlamaConfig(**{**SMALL, "max_position_embeddings": 8192}))
    engine = DecodingEngine(NativeDecoder(network, "int8", 600, 1))
    sink = Collected()
    engine.submit(DecodeRequest((5, 6), SamplingSettings(8000, 0.0), frozenset()), sink)
    engine.close()
    sink.wait()
    assert sink.reason == "cancelled"


@pytest.mark.parametrize("failure", [MemoryError("no room"), IndexError("a fault")])
def test_step_that_fails_ends_its_texts_and_the_engine_goes_on(failure: Exception) -> None:
    class Failing(TorchStepper):
        fails = True

        def step(self, rows: Rows) -> Tensor:
            if self.fails:
                self.fails = False
                raise failure
            return super().step(rows)

    engine = DecodingEngine(Failing(make(KINDS["llama"]), 40))
    request = DecodeRequest((5, 6), SamplingSettings(5, 0.0), frozenset())
    sink = Collected()
    engine.submit(request, sink)
    with pytest.raises(type(failure)):
        sink.wait()
    assert sink.reason == "error"
    assert len(write_all(engine, [request])[0]) == 5
    engine.close()


def test_broken_weights_end_their_text_with_an_error() -> None:
    network = make(KINDS["llama"])
    network.requires_grad_(False)
    network.lm_head.weight[7] = torch.nan
    engine = DecodingEngine(NativeDecoder(network, "fp32", 40, 1))
    sink = Collected()
    engine.submit(DecodeRequest((5, 6), SamplingSettings(5, 0.0), frozenset()), sink)
    with pytest.raises(Exception, match="not numbers"):
        sink.wait()
    assert engine.stats().blocks_used == 0
    engine.close()


def test_pytorch_computes_the_same_texts() -> None:
    network, requests = make(KINDS["window"]), requests_of(10)
    engine = DecodingEngine(TorchStepper(network, 60))
    assert write_all(engine, requests) == write(network, requests, "fp32", 60)
    engine.close()


class Counting(NativeDecoder):
    """Counts steps, and the rows of the longest one."""

    steps = longest = 0

    def step(self, rows: Rows) -> Tensor:
        self.steps, self.longest = self.steps + 1, max(self.longest, len(rows.ids))
        return super().step(rows)


class Oracle:
    """Supposes what is known to come, or something wrong."""

    def __init__(self, right: Sequence[int], wrong_from: int) -> None:
        self._right, self._wrong_from = right, wrong_from

    def propose(self, ids: Sequence[int], state: SampleState, most: int) -> list[int]:
        begin = len(ids)
        return [
            token if place < self._wrong_from else (token + 1) % 203
            for place, token in enumerate(self._right[begin : begin + most])
        ]

    def close(self) -> None:
        """Has nothing to let go of."""


@pytest.mark.parametrize("temperature", [0.0, 1.3])
@pytest.mark.parametrize("wrong_from", [0, 2, 99])
def test_drafts_change_no_text(temperature: float, wrong_from: int) -> None:
    network = make(KINDS["llama"])
    settings = SamplingSettings(50, temperature, seed=4, repetition_penalty=1.2)
    request = DecodeRequest((5, 6, 7), settings, frozenset([END]), logprobs=2)
    (plain,) = write(network, [request], "int8", 20)
    stepper = Counting(network, "int8", 20, 1)
    engine = DecodingEngine(stepper, drafter=Oracle([5, 6, 7, *plain], wrong_from))
    assert write_all(engine, [request]) == [plain]
    assert engine.stats().blocks_used == 0
    engine.close()
    if wrong_from == 99:
        assert stepper.steps < len(plain) / 4


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_small_model_that_drafts_changes_no_text(temperature: float) -> None:
    network, small = make(KINDS["llama"]), make(LlamaConfig(**{**SMALL, "num_hidden_layers": 1}))
    requests = [replace(r, settings=SamplingSettings(40, temperature, seed=9)) for r in requests_of(6, longest=60)]
    plain = write(network, requests, "int8", 60)
    drafter = DraftModel(NativeDecoder(small, "int8", 12, 1))  # room for few: it forgets, and reads again
    engine = DecodingEngine(NativeDecoder(network, "int8", 60, 1), EngineLimits(texts=2), drafter)
    assert write_all(engine, requests) == plain
    engine.close()


def test_small_model_reads_long_prompts_in_parts_as_the_large_one_does() -> None:
    """Else all that is written would wait until it has read a prompt whole."""
    network = make(LlamaConfig(**{**SMALL, "max_position_embeddings": 2048}))
    request = DecodeRequest(tuple([7, 8, 9] * 500), SamplingSettings(40, 0.0), frozenset())
    (plain,) = write(network, [request], "bf16", 130)
    small, large = Counting(network, "bf16", 130, 1), Counting(network, "bf16", 130, 1)
    engine = DecodingEngine(large, drafter=DraftModel(small))
    assert write_all(engine, [request]) == [plain]
    engine.close()
    assert small.longest <= 256
    assert large.steps < 4 + 30, "once it has read the prompt it supposes what comes"


def test_model_that_drafts_for_itself_is_always_right() -> None:
    """The same weights and random numbers draw the same tokens: a step for seven of them."""
    network = make(KINDS["llama"])

    drafter = DraftModel(NativeDecoder(network, "bf16", 20, 1))
    stepper = Counting(network, "bf16", 20, 1)
    engine = DecodingEngine(stepper, drafter=drafter)
    request = DecodeRequest((5, 6, 7), SamplingSettings(70, 1.0, seed=2), frozenset())
    assert len(write_all(engine, [request])[0]) == 70
    engine.close()
    assert stepper.steps <= 1 + 10


def test_drafting_model_with_other_tokens_is_refused() -> None:
    drafter = DraftModel(NativeDecoder(make(KINDS["llama"]), "bf16", 20, 1))
    with pytest.raises(UsageError, match="same tokenizer"):
        check_vocabulary(drafter.vocab, 204)
    drafter.close()


def test_what_repeats_is_written_in_fewer_steps_by_looking_it_up() -> None:
    network = make(KINDS["llama"])

    request = DecodeRequest((5, 6, 7), SamplingSettings(100, 0.0), frozenset())
    (plain,) = write(network, [request], "int8", 20)
    assert plain[-8:] in [plain[place : place + 8] for place in range(80)], "a greedy text of random weights repeats"
    stepper = Counting(network, "int8", 20, 1)
    engine = DecodingEngine(stepper, drafter=PromptLookup())
    assert write_all(engine, [request]) == [plain]
    engine.close()
    assert stepper.steps < 80
