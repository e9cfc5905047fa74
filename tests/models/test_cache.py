from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from penjing.models.cache import EncoderDecoderCache, KeyValueCache
from penjing.models.llama import LLAMA
from penjing.models.lstm import LSTM
from penjing.models.t5 import T5

SHAPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "llama": (LLAMA, {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}),
    "lstm": (LSTM, {"embedding_size": 16, "hidden_size": 24, "num_hidden_layers": 2}),
    "t5": (T5, {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}),
}
every_family = pytest.mark.parametrize("family", list(SHAPES))


def make(family: str) -> Any:
    architecture, shape = SHAPES[family]
    config = architecture.config_from_dict({**shape, "vocab_size": 50, "initializer_range": 0.5})
    network = architecture.language_model(config).eval()
    architecture.initialize(network, config, 0)
    return network


def draw(rows: int, time: int, seed: int) -> Tensor:
    return torch.randint(2, 50, (rows, time), generator=torch.Generator().manual_seed(seed))


def begin(network: Any, prompt: Tensor, *read: Tensor) -> Any:
    """A memory in which prompts and further tokens were read."""
    memory, first = network.start(prompt, 12)
    for ids in (first, *read):
        network.read(ids, memory)
    return memory


@every_family
@torch.no_grad()
def test_repeated_rows_go_on_each_on_its_own(family: str) -> None:
    network, prompt, new = make(family), draw(2, 5, 0), draw(6, 2, 1)
    memory = begin(network, prompt)
    memory.repeat(3)
    expected = network.read(new, begin(network, prompt.repeat_interleave(3, dim=0)))
    torch.testing.assert_close(network.read(new, memory), expected, atol=1e-5, rtol=0)


@every_family
@torch.no_grad()
def test_reordered_rows_go_on_from_those_of_the_same_text(family: str) -> None:
    network, prompt, old, new = make(family), draw(2, 5, 0), draw(6, 2, 1), draw(6, 2, 2)
    memory = begin(network, prompt)
    memory.repeat(3)
    network.read(old, memory)
    rows = torch.tensor([2, 1, 1, 3, 3, 4])
    memory.reorder(rows)
    expected = network.read(new, begin(network, prompt.repeat_interleave(3, dim=0), old[rows]))
    torch.testing.assert_close(network.read(new, memory), expected, atol=1e-5, rtol=0)


@every_family
@torch.no_grad()
def test_rows_that_are_kept_go_on_as_if_alone(family: str) -> None:
    network, prompt, old, new = make(family), draw(4, 5, 0), draw(8, 2, 1), draw(4, 2, 2)
    memory = begin(network, prompt)
    memory.repeat(2)
    network.read(old, memory)
    rows = torch.tensor([2, 3, 6, 7])
    memory.keep(rows)
    expected = network.read(new, begin(network, prompt[[1, 1, 3, 3]], old[rows]))
    torch.testing.assert_close(network.read(new, memory), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_mask_of_the_encoder_goes_with_its_rows() -> None:
    network, prompt, new = make("t5"), draw(3, 5, 0), draw(2, 1, 1)
    mask = torch.arange(5) < torch.tensor([[5], [2], [4]])
    memory, first = network.start(prompt, 4, mask)
    network.read(first, memory)
    memory.keep(torch.tensor([1, 2]))
    hidden = network.read(new, memory)
    for row, length in ((1, 2), (2, 4)):
        alone = network.read(new[row - 1, None], begin(network, prompt[row, None, :length]))
        torch.testing.assert_close(hidden[row - 1, None], alone, atol=1e-5, rtol=0)


def test_beams_of_a_text_share_what_its_encoder_read() -> None:
    network = make("t5")
    memory = begin(network, draw(2, 5, 0))
    read = memory.read
    memory.repeat(4)
    memory.reorder(torch.tensor([1, 1, 0, 0, 7, 6, 5, 4]))
    assert isinstance(memory, EncoderDecoderCache)
    assert memory.written.rows == 8
    assert memory.read is read


def test_rows_that_stay_in_their_place_are_not_copied() -> None:
    cache = KeyValueCache(layers=1, batch=3, heads=1, dim=1, longest=2)
    keys, values = torch.arange(3.0).view(3, 1, 1, 1), torch.zeros(3, 1, 1, 1)
    stored, _ = cache.put(0, keys, values)
    cache.advance(1)
    cache.reorder(torch.tensor([0, 0, 2]))
    assert stored.flatten().tolist() == [0.0, 0.0, 2.0]  # the room is the same
    version = stored._version
    cache.reorder(torch.tensor([0, 1, 2]))
    assert stored._version == version
