from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from penjing.inference.engine import Engine
from penjing.models.interface import Architecture
from penjing.registry import load_registered

SHAPES: dict[str, dict[str, Any]] = {
    "lstm": {"embedding_size": 16, "hidden_size": 16},
    "bert": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64},
}


@pytest.fixture(params=["lstm", "bert"])
def network(request: pytest.FixtureRequest) -> torch.nn.Module:
    architecture: Architecture = load_registered("models", request.param)
    config = architecture.config_from_dict({**SHAPES[request.param], "vocab_size": 50, "pad_token_id": 0})
    network = architecture.classifier(config, 3)
    architecture.initialize(network, config, 0)
    return network


def some_sequences() -> list[list[int]]:
    rng = np.random.default_rng(0)
    return [rng.integers(5, 50, size=length).tolist() for length in rng.integers(1, 40, size=60)]


@pytest.mark.parametrize("batch_tokens", [16, 256, 16384])
def test_logits_are_those_of_each_sequence_alone_in_the_order_given(
    network: torch.nn.Module, batch_tokens: int
) -> None:
    sequences = some_sequences()
    scores = Engine(network, 0, batch_tokens).score(sequences)
    with torch.inference_mode():
        alone = [network(torch.tensor([sequence]), None)[0].double().numpy() for sequence in sequences]
    assert scores == pytest.approx(np.array(alone), abs=1e-5)


def test_engine_switches_dropout_off(network: torch.nn.Module) -> None:
    engine = Engine(network.train(), 0)
    assert np.array_equal(engine.score(some_sequences()), engine.score(some_sequences()))


def test_a_row_of_no_tokens_is_scored_alike_whatever_is_beside_it(network: torch.nn.Module) -> None:
    engine, sequences = Engine(network, 0), some_sequences()
    alone = engine.score([[]])
    mixed = engine.score([sequences[0], [], *sequences[1:], []])
    assert mixed[[1, -1]] == pytest.approx(np.repeat(alone, 2, axis=0), abs=1e-6)
    assert np.delete(mixed, [1, -1], axis=0) == pytest.approx(engine.score(sequences), abs=1e-6)
