"""Beams in the engine: the texts of `Writer`, whatever is beside them and however little room there is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.decoding.test_engine import requests_of, write
from tests.inference.native.test_decoder import KINDS, make

from penjing.errors import UsageError
from penjing.inference.decoding.blocks import BlockPool
from penjing.inference.decoding.collecting import Collected, write_all
from penjing.inference.decoding.engine import DecodingEngine
from penjing.inference.decoding.interface import EngineLimits
from penjing.inference.decoding.lookup import PromptLookup
from penjing.inference.decoding.request import DecodeRequest
from penjing.inference.decoding.rows import BLOCK
from penjing.inference.decoding.sampler import NoTokenError
from penjing.inference.decoding.torch_stepper import TorchStepper
from penjing.inference.native.decoder import NativeDecoder
from penjing.inference.native.packing import Weights
from penjing.inference.sampling import SamplingSettings
from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings

ENDS = frozenset(range(3, 9))  # of 203 tokens, so that many texts end


def searches(count: int, beams: Sequence[int] = (2, 4, 5), seed: int = 0) -> list[DecodeRequest]:
    chance = random.Random(seed)
    return [
        DecodeRequest(
            tuple(chance.randrange(203) for _ in range(chance.randrange(1, 70))),
            SamplingSettings(chance.randrange(1, 40), 0.0, no_repeat_ngram_size=chance.randrange(3)),
            ENDS,
            beams=chance.choice(list(beams)),
            length_penalty=chance.choice([0.0, 1.0, 2.0]),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("kind", ["llama", "qwen3"])
def test_texts_are_those_of_the_writer(kind: str) -> None:
    network, requests = make(KINDS[kind]), searches(30)
    writer, expected = Writer(network, ENDS, 0), []
    for request in requests:
        how = WritingSettings(
            request.settings.max_tokens,
            request.beams,
            request.length_penalty,
            no_repeat_ngram_size=request.settings.no_repeat_ngram_size,
        )
        expected.append(writer.write([request.prompt], how)[0])
    engine = DecodingEngine(NativeDecoder(network, "fp32", 600, 2))
    sinks = [Collected() for _ in requests]
    for request, sink in zip(requests, sinks, strict=True):
        engine.submit(request, sink)
    assert [sink.wait() for sink in sinks] == [written.ids for written in expected]
    assert [sink.reason for sink in sinks] == [written.finish_reason for written in expected]
    assert {sink.reason for sink in sinks} == {"stop", "length"}
    engine.close()


@pytest.mark.parametrize("weights", ["fp32", "bf16", "int8", "int4"])
def test_text_is_the_same_whatever_is_beside_it(weights: Weights) -> None:
    network, requests = make(KINDS["llama"]), searches(8)
    alone = [write(network, [request], weights, 200)[0] for request in requests]
    beside = [one for pair in zip(requests, requests_of(8), strict=True) for one in pair]
    assert write(network, beside, weights, 200)[::2] == alone


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(22, 60))
def test_text_is_the_same_where_there_is_little_room(seed: int, blocks: int) -> None:
    network = make(KINDS["llama"])
    requests = [*searches(6, seed=seed), *requests_of(6, seed=seed)]
    random.Random(seed).shuffle(requests)
    engine = DecodingEngine(NativeDecoder(network, "fp32", blocks, 1))
    found = write_all(engine, requests)
    assert engine.stats().blocks_used == 0
    engine.close()
    assert found == write(network, requests, "fp32", 500)


def test_pytorch_computes_the_same_texts_with_drafts_beside() -> None:
    network, requests = make(KINDS["llama"]), [*searches(6), *requests_of(2)]
    engine = DecodingEngine(TorchStepper(network, 300), drafter=PromptLookup())
    assert write_all(engine, requests) == write(network, requests, "fp32", 300)
    engine.close()


def test_search_counts_once_for_each_beam() -> None:
    engine = DecodingEngine(NativeDecoder(make(KINDS["llama"]), "int8", 300, 1), EngineLimits(texts=8))
    sinks = [Collected() for _ in range(3)]
    tickets = [
        engine.submit(DecodeRequest((5, 6), SamplingSettings(100, 0.0), frozenset(), beams=4), sink) for sink in sinks
    ]
    while not engine.stats().active:
        pass
    assert engine.stats().active + engine.stats().waiting <= 3
    assert engine.stats().active <= 2
    for ticket in tickets:
        ticket.cancel()
    for sink in sinks:
        sink.wait()
    assert {sink.reason for sink in sinks} == {"cancelled"}
    assert engine.stats().blocks_used == 0
    engine.close()


def test_more_beams_than_tokens_are_no_more_than_there_are() -> None:
    request = replace(searches(1)[0], beams=500, settings=SamplingSettings(3, 0.0))
    assert len(write(make(KINDS["llama"]), [request], "fp32", 600)[0]) <= 3


def test_beams_without_room_are_refused() -> None:
    engine = DecodingEngine(NativeDecoder(make(KINDS["llama"]), "fp32", 8, 1))
    request = DecodeRequest(tuple(range(100)), SamplingSettings(9, 0.0), ENDS, beams=4)
    with pytest.raises(UsageError, match="no room for 4 beams after a prompt of 100 tokens"):
        engine.submit(request, Collected())
    engine.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"settings": SamplingSettings(5, 1.0)},
        {"settings": SamplingSettings(5, 0.0, repetition_penalty=1.1)},
        {"settings": SamplingSettings(5, 0.0, logit_bias={1: 2.0})},
        {"logprobs": 0},
        {"beams": 0},
    ],
)
def test_what_a_search_cannot_have_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="beams"):
        replace(searches(1)[0], **wrong)


def test_broken_weights_end_a_search_with_an_error() -> None:
    network = make(KINDS["llama"])
    with torch.no_grad():
        network.lm_head.weight[7] = float("nan")
    with pytest.raises(NoTokenError):
        write(network, searches(1), "fp32", 100)


@given(st.integers(1, 60), st.integers(1, 6))
def test_fork_holds_full_blocks_together_and_copies_the_last(tokens: int, forks: int) -> None:
    pool = BlockPool(100)
    chain = pool.match(list(range(tokens)))
    assert pool.extend(chain, tokens)
    pool.know(chain, list(range(tokens)), tokens)
    others = [pool.fork(chain, tokens) for _ in range(forks)]
    full, begun = divmod(tokens, BLOCK)
    for other, copy in others:
        assert other.blocks[:full] == chain.blocks[:full]
        assert copy == ((chain.blocks[full], other.blocks[full]) if begun else None)
    assert pool.used == full + (forks + 1) * bool(begun)
    for one in [chain, *(other for other, _ in others)]:
        pool.release(one)
    assert pool.used == 0
    assert pool.spare == 100
