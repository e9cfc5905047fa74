"""Packed rows are scored as padded ones."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from penjing.errors import UsageError
from penjing.inference.engine import Engine
from penjing.inference.packed_engine import PackedEngine
from penjing.models.bert import BERT

SHAPE = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
}


def network(pooling: str, **shape: Any) -> Any:
    config = BERT.config_from_dict({**SHAPE, "pooling": pooling, **shape})
    made: Any = BERT.classifier(config, 3)
    BERT.initialize(made, config, 0)
    for parameter in made.parameters():  # random biases and norms too, or a fault in them would not show
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return made


def rows(lengths: list[int]) -> list[list[int]]:
    rng = random.Random(0)
    return [[rng.randrange(1, 50) for _ in range(length)] for length in lengths]


LENGTHS = [[5], [7, 7, 7], [0], [4, 0, 30, 0], [1, 128, 3, 60, 2, 2, 17, 90], list(range(1, 120, 3))]
MIXED = LENGTHS[4]


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "attention"])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_scores_are_those_of_the_plain_engine(pooling: str, lengths: list[int]) -> None:
    made, sequences = network(pooling, hidden_act="gelu_new" if pooling == "max" else "gelu"), rows(lengths)
    np.testing.assert_allclose(PackedEngine(made).score(sequences), Engine(made, 0).score(sequences), atol=1e-5)


def test_bf16_is_within_its_bound_and_leaves_the_network_as_it_was() -> None:
    made, sequences = network("mean"), rows(MIXED)
    exact = Engine(made, 0).score(sequences)
    found = PackedEngine(made, torch.bfloat16).score(sequences)
    assert 0 < np.abs(found - exact).max() < 0.02 * np.abs(exact).max()
    assert {parameter.dtype for parameter in made.parameters()} == {torch.float32}


def test_a_row_is_scored_alike_whatever_is_beside_it() -> None:
    engine, sequences = PackedEngine(network("mean")), rows(MIXED)
    together = engine.score(sequences)
    alone = np.concatenate([engine.score([sequence]) for sequence in sequences])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_row_beyond_the_positions_is_refused() -> None:
    with pytest.raises(UsageError, match="129 tokens does not fit"):
        PackedEngine(network("cls")).score(rows([129, 4]))
