"""Replies after the same words are as probable as each would be read by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from penjing.inference.replies import measure_replies
from penjing.models.llama import LLAMA


def test_replies_are_as_probable_as_read_one_by_one() -> None:
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = LLAMA.config_from_dict({**shape, "vocab_size": 50, "max_position_embeddings": 64})
    network: Any = LLAMA.language_model(config)
    LLAMA.initialize(network, config, 0)
    rng = np.random.default_rng(0)
    prompt = rng.integers(1, 50, 12).tolist()
    replies = [rng.integers(1, 50, length).tolist() for length in (1, 7, 3, 7)]
    found = measure_replies(network, prompt, replies)
    for reply, measured in zip(replies, found, strict=True):
        ids = torch.tensor([prompt + reply])
        with torch.inference_mode():
            logs = network.score(network.encode(ids))[0].log_softmax(dim=-1)
        expected = sum(float(logs[len(prompt) - 1 + i, token]) for i, token in enumerate(reply))
        np.testing.assert_allclose(measured, expected, rtol=1e-4)
    np.testing.assert_allclose(measure_replies(network, prompt, replies[:1]), found[:1], rtol=1e-5)
