"""Continuations are as probable as prompt and continuation read at once, however they are put together."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional as F

from penjing.errors import UsageError
from penjing.inference.choosing import Continuations, average_by_length, measure_choices, subtract_prior
from penjing.models.interface import EncoderDecoderModel
from penjing.models.llama import LLAMA, MISTRAL, QWEN3
from penjing.models.lstm import LSTM
from penjing.models.t5 import T5

VOCABULARY, PAD, POSITIONS = 50, 0, 40
DECODER = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
    "initializer_range": 0.4,
}
FAMILIES: dict[str, tuple[Any, dict[str, Any]]] = {
    "llama": (LLAMA, DECODER),
    "mistral": (MISTRAL, {**DECODER, "sliding_window": 5}),
    "qwen3": (QWEN3, {**DECODER, "head_dim": 8}),
    "lstm": (LSTM, {"embedding_size": 16, "hidden_size": 24, "num_hidden_layers": 2, "initializer_range": 1.0}),
    "t5": (T5, {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}),
}
CANDIDATES = [[5], [7, 1], [7, 2, 3], [7, 2, 4], [5, 9], [8]]


@cache
def make(family: str) -> Any:
    architecture, shape = FAMILIES[family]
    config = architecture.config_from_dict({**shape, "vocab_size": VOCABULARY, "pad_token_id": PAD})
    network = architecture.language_model(config).eval()
    architecture.initialize(network, config, 0)
    return network


def make_prompts(count: int = 20, longest: int = 30) -> list[list[int]]:
    rng = random.Random(0)
    return [rng.choices(range(1, VOCABULARY), k=rng.randint(1, longest)) for _ in range(count)]


def read_at_once(network: Any, prompt: list[int], ids: list[int]) -> float:
    with torch.no_grad():
        if isinstance(network, EncoderDecoderModel):
            read = torch.tensor([[network.decoder_start_id, *ids[:-1]]])
            logits = network.score(network.decode(read, network.encode(torch.tensor([prompt]))))[0]
        else:
            hidden = network.encode(torch.tensor([[*prompt, *ids[:-1]]]))
            width = 24 if hidden.shape[-1] == 48 else hidden.shape[-1]  # of an LSTM's two directions the first
            logits = network.score(hidden[0, len(prompt) - 1 :, :width])
        return -float(F.cross_entropy(logits.double(), torch.tensor(ids), reduction="sum"))


@pytest.mark.parametrize("candidates", [CANDIDATES, [[4], [6]], [[3, 4, 5]]], ids=["tree", "words", "one"])
@pytest.mark.parametrize("family", list(FAMILIES))
def test_choices_are_as_probable_as_read_one_by_one(family: str, candidates: list[list[int]]) -> None:
    network, prompts = make(family), make_prompts()
    expected = [[read_at_once(network, prompt, ids) for ids in candidates] for prompt in prompts]
    for batch_tokens in (1, 100, 10_000):
        found = measure_choices(network, prompts, candidates, PAD, batch_tokens=batch_tokens)
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_choices_are_as_probable_as_in_transformers() -> None:
    torch.manual_seed(0)
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**DECODER, vocab_size=VOCABULARY)).eval()
    config = LLAMA.config_from_dict({**DECODER, "vocab_size": VOCABULARY, "pad_token_id": PAD})
    ours = LLAMA.language_model(config)
    ours.load_state_dict(theirs.state_dict())
    prompt, ids = [3, 9, 4, 4], [7, 2, 3]
    with torch.no_grad():
        logits = theirs(torch.tensor([prompt + ids])).logits[0]
    expected = -F.cross_entropy(logits[3:6].double(), torch.tensor(ids), reduction="sum")
    assert measure_choices(ours, [prompt], CANDIDATES, PAD)[0, 2] == pytest.approx(float(expected), abs=1e-5)


def test_stems_that_begin_others_are_not_read_twice() -> None:
    assert Continuations([[5], [6], [7]]).rows == [()]
    assert sorted(Continuations(CANDIDATES).rows) == [(5,), (7, 2)]


def test_what_does_not_fit_is_refused() -> None:
    network = make("llama")
    measure_choices(network, [[1] * (POSITIONS - 2)], [[1, 2, 3]], PAD)
    with pytest.raises(UsageError, match=r"row 2: the prompt has 39 tokens.*40 positions"):
        measure_choices(network, [[1], [1] * (POSITIONS - 1)], [[1, 2, 3]], PAD)
    with pytest.raises(UsageError, match="row 1: the prompt has no tokens"):
        measure_choices(network, [[]], [[1]], PAD)
    for nothing in ([], [[1], []]):
        with pytest.raises(UsageError, match="nothing to choose from"):
            measure_choices(network, [[1]], nothing, PAD)
    assert measure_choices(network, [], [[1], [2]], PAD).shape == (0, 2)


def test_length_and_prior_are_taken_off() -> None:
    logs = np.log(np.array([[0.4, 0.1], [0.6, 0.2]]))
    np.testing.assert_allclose(np.exp(average_by_length(logs, np.array([1, 2]))), [[0.4, 0.1**0.5], [0.6, 0.2**0.5]])
    prior = np.array([[0.3, 0.1], [0.1, 0.3]])  # of two empty prompts: 0.75 and 0.25, then 0.25 and 0.75
    one, both = subtract_prior(logs, np.log(prior[:1])), subtract_prior(logs, np.log(prior))
    np.testing.assert_allclose(np.exp(one), [[0.4 / 0.75, 0.1 / 0.25], [0.6 / 0.75, 0.2 / 0.25]])
    np.testing.assert_allclose(np.exp(both), [[0.8, 0.2], [1.2, 0.4]])
    own = subtract_prior(logs, np.log(np.stack([prior, prior[::-1]])))  # each prompt has its own
    np.testing.assert_allclose(own, both)
