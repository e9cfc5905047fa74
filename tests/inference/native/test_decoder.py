"""The compiled decoder: the logits of PyTorch, and a row the same to the bit in every batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from penjing.errors import UsageError
from penjing.inference.decoding.rows import Rows
from penjing.inference.native.decoder import NativeDecoder, can_compute
from penjing.inference.native.packing import Weights, pack_codes
from penjing.models.llama import LlamaForCausalLM, initialize
from penjing.models.llama_config import LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config
from penjing.models.quantized import QuantizedLinear, as_linear, quantize

SMALL: dict[str, Any] = {
    "vocab_size": 203,
    "hidden_size": 56,
    "intermediate_size": 90,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 128,
}
KINDS = {
    "llama": LlamaConfig(**SMALL),
    "biases": LlamaConfig(**SMALL, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "gelu": LlamaConfig(**SMALL, hidden_act="gelu"),
    "tanh": LlamaConfig(**SMALL, hidden_act="gelu_pytorch_tanh"),
    "llama3": LlamaConfig(**SMALL, rope_type="llama3", rope_factor=8.0, rope_original_positions=32),
    "wide": LlamaConfig(**{**SMALL, "hidden_size": 200, "intermediate_size": 850, "head_dim": 80}),
    "alone": LlamaConfig(**{**SMALL, "num_key_value_heads": 4, "head_dim": 48}),
    "window": MistralConfig(**SMALL, sliding_window=19),
    "qwen2": Qwen2Config(**SMALL),
    "qwen3": Qwen3Config(**SMALL),
}
IDS = torch.randint(0, 203, (61,), generator=torch.Generator().manual_seed(1)).tolist()


def make(config: LlamaConfig, seed: int = 0) -> LlamaForCausalLM:
    network = LlamaForCausalLM(config)
    initialize(network, config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias") or "norm" in name:
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
            else:
                parameter *= 6  # far enough from zero that errors would be seen
    return network.eval()


@contextmanager
def decoder(network: LlamaForCausalLM, weights: Weights, threads: int = 2, blocks: int = 40) -> Iterator[NativeDecoder]:
    made = NativeDecoder(network, weights, blocks, threads)
    yield made
    made.close()


def rows_of(parts: Sequence[tuple[Sequence[int], int]], tables: Sequence[Sequence[int]]) -> Rows:
    """Returns rows of texts, each as its tokens and the position of the first; all are scored."""
    ids, positions, begins = list[int](), list[int](), [0]
    for tokens, first in parts:
        ids += tokens
        positions += range(first, first + len(tokens))
        begins.append(len(ids))
    laid = (np.array(values, dtype=np.int32) for values in (ids, positions, begins))
    return Rows(*laid, np.array(tables, dtype=np.int32), np.arange(len(ids), dtype=np.int32))  # type: ignore[call-arg]


def whole(made: NativeDecoder, ids: Sequence[int]) -> Tensor:
    return made.step(rows_of([(ids, 0)], [[5, 1, 7, 2, 9, 11, 0, 3]]))


@torch.inference_mode()
def reference(network: LlamaForCausalLM, ids: Sequence[int]) -> Tensor:
    logits: Tensor = network(torch.tensor([ids]))[0]
    return logits


@pytest.mark.parametrize("kind", KINDS)
def test_fp32_gives_the_logits_of_pytorch(kind: str) -> None:
    network = make(KINDS[kind])
    expected = reference(network, IDS)
    with decoder(network, "fp32") as made:
        assert (whole(made, IDS) - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.parametrize(("weights", "bound"), [("bf16", 0.02), ("int8", 0.03)])
def test_fewer_bits_change_logits_little(weights: Weights, bound: float) -> None:
    network = make(KINDS["qwen3"])
    expected = reference(network, IDS)
    with decoder(network, weights) as made:
        error = (whole(made, IDS) - expected).pow(2).mean().sqrt() / expected.std()
    assert error < bound


@pytest.mark.parametrize("bits", ["int8", "int4"])
def test_quantized_matrices_are_computed_with_as_they_are(bits: Weights) -> None:
    """Against the matrices that the codes stand for, so that only activations are rounded."""
    network, rounded = make(KINDS["biases"]), make(KINDS["biases"])
    names = [name for name, module in rounded.named_modules() if isinstance(module, nn.Linear) and "proj" in name]
    rounded.requires_grad_(False)
    quantize(rounded, names, bits)  # type: ignore[arg-type]
    with decoder(rounded, "fp32") as made:
        taken = whole(made, IDS)
    for name in names:
        linear = rounded.get_submodule(name)
        assert isinstance(linear, QuantizedLinear)
        network.set_submodule(name, as_linear(linear.weight, linear.bias))
    expected = reference(network, IDS)
    assert (taken - expected).pow(2).mean().sqrt() / expected.std() < 0.03


@settings(max_examples=30)
@given(
    kind=st.sampled_from(["llama", "wide"]),
    weights=st.sampled_from(["fp32", "bf16", "int8", "int4"]),
    cuts=st.sets(st.integers(1, 60), max_size=12),
    beside=st.lists(st.integers(1, 20), max_size=6),
    threads=st.integers(1, 5),
)
def test_row_is_the_same_to_the_bit_however_it_is_read(
    kind: str, weights: Weights, cuts: set[int], beside: list[int], threads: int
) -> None:
    network = make(KINDS[kind])
    with decoder(network, weights, threads=1) as made:
        expected = whole(made, IDS)
    borders = [0, *sorted(cuts), 61]
    with decoder(network, weights, threads) as made:
        found = []
        for begin, end in pairwise(borders):
            others = [([3] * count, 0) for count in beside]
            tables = [[20 + 2 * place, 21 + 2 * place, 0, 0] for place in range(len(beside))]
            rows = rows_of([*others, (IDS[begin:end], begin)], [*tables, [5, 1, 7, 2]])
            found.append(made.step(rows)[sum(beside) :].clone())
        assert torch.equal(torch.cat(found), expected)


def test_only_wanted_rows_are_scored() -> None:
    network = make(KINDS["llama"])
    with decoder(network, "int8") as made:
        every = whole(made, IDS)
        rows = rows_of([(IDS, 0)], [[5, 1, 7, 2]])
        some = Rows(rows.ids, rows.positions, rows.begins, rows.tables, np.array([3, 60], dtype=np.int32))
        assert torch.equal(made.step(some), every[[3, 60]])


def test_closed_decoder_says_so() -> None:
    made = NativeDecoder(make(KINDS["llama"]), "bf16", 4, 1)
    made.close()
    made.close()
    with pytest.raises(UsageError, match="closed"):
        whole(made, IDS)


def test_heads_of_other_widths_are_refused() -> None:
    network = make(LlamaConfig(**{**SMALL, "head_dim": 8}))
    assert not can_compute(network)
    with pytest.raises(UsageError, match="heads of 16"):
        NativeDecoder(network, "fp32", 4, 1)


@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_what_is_no_number_is_not_hidden(weights: Weights) -> None:
    network = make(KINDS["llama"])
    with torch.no_grad():
        network.model.layers[0].mlp.up_proj.weight[3, 0] = torch.nan
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Linear) and "down" in name]
    network.requires_grad_(False)
    quantize(network, names, weights)  # type: ignore[arg-type]
    with decoder(network, "fp32") as made:
        assert whole(made, IDS).isnan().all()


def test_code_without_an_opposite_is_held_as_the_next() -> None:
    codes = torch.tensor([[-128, -127, 127, 0]], dtype=torch.int8).repeat(16, 16)
    packed = pack_codes(codes, torch.ones(16, 1), 64)
    assert packed.weights.min() == 1
