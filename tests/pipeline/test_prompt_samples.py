"""What a model writes to prompts is what its objective teaches it to write."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from penjing.models.t5 import T5
from penjing.pipeline.prompt_samples import FillingIn, Restoring, Sampler
from penjing.text.tokenizer import Tokenizer, train_tokenizer
from penjing.text.tokenizer_settings import TokenizerSettings
from penjing.train.batches import Batch
from penjing.train.objectives.denoising import DenoisingObjective
from penjing.train.objectives.span import SpanObjective

TEXTS = ["one two three four", "red blue red blue"]


def trained(tokenizer: Tokenizer, objective: Any) -> torch.nn.Module:
    """Returns a small T5 that has learned two texts by heart."""
    shape = {"d_model": 48, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0}
    config = T5.config_from_dict({**T5.fresh_shape, **shape, "vocab_size": tokenizer.vocab_size})
    network: Any = T5.language_model(config)
    T5.initialize(network, config, 0)
    ids = torch.tensor([[*tokenizer.prompt_start, *row, tokenizer.end_id] for row in tokenizer.encode(TEXTS)])
    generator, optimizer = torch.Generator().manual_seed(0), torch.optim.AdamW(network.parameters(), lr=5e-3)
    for _ in range(150):
        prepared = objective.prepare(Batch(ids, None, None), generator, 0.0)
        loss, _ = objective.loss(network, *prepared.tensors)
        optimizer.zero_grad()
        (loss / prepared.targets).backward()
        optimizer.step()
    return network


def sampled(kind: str) -> tuple[Sampler, list[str]]:
    settings = TokenizerSettings(kind="word", vocab_size=400, sentinels=4 if kind == "span" else 0)
    tokenizer = train_tokenizer([TEXTS * 3], settings, 0)
    start = tokenizer.pad_id
    if kind == "span":
        objective: Any = SpanObjective(0.4, 2.0, tokenizer.sentinel_ids, tokenizer.end_id, start)
        sampler: Sampler = FillingIn(["one two three", "red blue"], tokenizer, 0)
    else:
        objective = DenoisingObjective(0.4, tokenizer.mask_id, start)
        sampler = Restoring(TEXTS, tokenizer, objective, 1)
    return sampler, sampler(trained(tokenizer, objective))


def test_hidden_end_of_a_prompt_is_written() -> None:
    sampler, (first, second) = sampled("span")
    assert sampler.prompts == ["one two three <extra_id_0>", "red blue <extra_id_0>"]
    assert first.strip() == "four"
    assert second.strip() in ("red blue", "red", "blue")


def test_a_model_that_has_learned_nothing_writes_something_where_text_is_hidden() -> None:
    tokenizer = train_tokenizer([TEXTS * 3], TokenizerSettings(kind="word", vocab_size=400, sentinels=4), 0)
    shape = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    config = T5.config_from_dict({**T5.fresh_shape, **shape, "vocab_size": tokenizer.vocab_size})
    for seed in range(5):
        network = T5.language_model(config)
        T5.initialize(network, config, seed)
        with torch.no_grad():  # it would write nothing but ends
            network.get_parameter("lm_head.weight")[tokenizer.end_id] *= 50
        assert all(text.strip() for text in FillingIn(TEXTS, tokenizer, seed)(network))


def test_damaged_prompt_is_written_whole() -> None:
    sampler, written = sampled("denoise")
    assert [text.strip() for text in written] == TEXTS
    assert all(prompt != text for prompt, text in zip(sampler.prompts, TEXTS, strict=True))


@pytest.mark.parametrize("seed", [0, 3])
def test_damage_is_the_same_each_time(seed: int) -> None:
    tokenizer = train_tokenizer([TEXTS * 3], TokenizerSettings(kind="word", vocab_size=400), 0)
    objective = DenoisingObjective(0.4, tokenizer.mask_id, tokenizer.pad_id)
    once, again = (Restoring(TEXTS, tokenizer, objective, seed).prompts for _ in range(2))
    assert once == again
