"""Small networks with random weights, and sequences for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from penjing.models.t5 import T5

VOCAB, POSITIONS = 60, 16
BERT_SHAPE: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.4,
    "pad_token_id": 0,
}


def random_sequences(longest: int, count: int = 20) -> list[list[int]]:
    rng = np.random.default_rng(0)
    lengths = [*rng.integers(2, longest, size=count - 1).tolist(), longest]
    return [[2, *rng.integers(5, VOCAB, size=length - 2).tolist(), 3] for length in lengths]


def small_t5(seed: int = 0) -> Any:
    """Returns an encoder-decoder with random weights and 40 tokens."""
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    config = T5.config_from_dict({**shape, "vocab_size": 40, "decoder_start_token_id": 0})
    network = T5.language_model(config)
    T5.initialize(network, config, seed)
    return network.eval()
