from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch

from penjing.errors import UsageError
from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.models.llama import LLAMA
from penjing.models.t5 import T5

VOCABULARY = 12


@pytest.fixture(scope="module", params=["llama", "t5"])
def writer(request: pytest.FixtureRequest) -> Writer:
    shapes = {
        "llama": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16},
        "t5": {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2},
    }
    architecture: Any = {"llama": LLAMA, "t5": T5}[request.param]
    config = architecture.config_from_dict({**shapes[request.param], "vocab_size": VOCABULARY, "pad_token_id": 0})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    return Writer(network, frozenset({1}), 0)


def test_a_text_is_the_same_alone_and_among_others_in_any_order(writer: Writer) -> None:
    prompts = [[2, 3, 4], [5], [6, 7, 8, 9, 10], [2, 3], [11, 4, 4, 2]]
    settings = WritingSettings(12, temperature=1.0, top_p=0.9, seed=3)
    together = writer.write(prompts, settings)
    assert [writer.write([prompt], settings)[0].ids for prompt in prompts] == [text.ids for text in together]
    assert [text.ids for text in writer.write(prompts[::-1], settings)] == [text.ids for text in together[::-1]]
    other = writer.write(prompts, WritingSettings(12, temperature=1.0, top_p=0.9, seed=4))
    assert [text.ids for text in other] != [text.ids for text in together]


def test_tokens_come_as_often_as_they_are_likely(writer: Writer) -> None:
    prompt = [2, 3, 4]
    drawn = Counter(
        (writer.write([prompt], WritingSettings(1, temperature=1.0, seed=seed))[0].ids or [1])[0] for seed in range(400)
    )
    network: Any = writer._network
    with torch.inference_mode():
        memory, new = network.start(torch.tensor([prompt]), 1)
        wanted = network.score(network.read(new, memory)[:, -1])[0].softmax(-1)
    expected = wanted * 400
    statistic = sum((drawn[token] - float(expected[token])) ** 2 / float(expected[token]) for token in range(12))
    assert statistic < 31.3  # chi-squared with 11 degrees of freedom, p = 0.001


def test_beams_and_drawing_are_refused_together() -> None:
    with pytest.raises(UsageError, match="Draw tokens with one beam"):
        WritingSettings(beams=2, temperature=1.0)
