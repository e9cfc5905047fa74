from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from penjing.models.interface import Architecture
from penjing.models.lora import (
    LoraLinear,
    LoraLstm,
    LoraShape,
    LowRank,
    adaptable,
    adapter_names,
    adapters,
    choose,
    inject,
    merge,
)
from penjing.registry import load_registered

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": SHAPE,
    "llama": {**SHAPE, "num_key_value_heads": 1},
    "lstm": {"embedding_size": 8, "hidden_size": 12, "num_hidden_layers": 2},
    "qwen2": {**SHAPE, "num_key_value_heads": 2},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "feed_forward_proj": "gated-gelu"},
}
MATRICES = {"bert": 2 * 6, "llama": 2 * 7, "lstm": 2 * 2 * 2, "qwen2": 2 * 7, "t5": 2 * 7 + 2 * 11}


def build(family: str, **config: Any) -> tuple[Architecture, nn.Module]:
    architecture: Architecture = load_registered("models", family)
    made = architecture.config_from_dict({**FAMILIES[family], "vocab_size": 30, **config})
    network = architecture.classifier(made, 2)
    architecture.initialize(network, made, 0)
    return architecture, network.eval()


def adapt(network: nn.Module, architecture: Architecture, shape: LoraShape | None = None) -> None:
    chosen = choose(adaptable(network.backbone), architecture.adapted)
    prefix = next(name for name, module in network.named_modules() if module is network.backbone)
    inject(network, [f"{prefix}.{name}" for name in chosen], shape or LoraShape(3, 6.0), 0)


def scramble(network: nn.Module) -> None:
    """Gives the second matrices of the adapters numbers, as training does."""
    generator = torch.Generator().manual_seed(1)
    for adapter in adapters(network).values():
        nn.init.normal_(adapter.B, std=0.3, generator=generator)


def rows() -> tuple[Tensor, Tensor]:
    ids = torch.randint(5, 30, (4, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids, dtype=torch.bool)
    mask[1, 5:] = False
    return ids, mask


@pytest.mark.parametrize("family", list(FAMILIES))
def test_first_logits_are_those_of_the_base_to_the_bit(family: str) -> None:
    architecture, network = build(family)
    before = network(*rows())
    adapt(network, architecture)
    assert len(adapters(network)) == MATRICES[family]
    assert torch.equal(network(*rows()), before)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_merged_logits_are_those_of_the_adapters_and_taking_them_apart_restores_every_bit(family: str) -> None:
    architecture, network = build(family)
    plain = network(*rows())
    names = set(network.state_dict())
    adapt(network, architecture)
    scramble(network)
    adapted = network(*rows())
    assert (adapted - plain).abs().max() > 1e-3
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    unmerge = merge(network)
    assert set(network.state_dict()) == names
    assert not adapters(network)
    torch.testing.assert_close(network(*rows()), adapted, rtol=1e-5, atol=1e-6)
    unmerge()
    assert torch.equal(network(*rows()), adapted)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("rank_stabilized", [False, True])
def test_layer_with_an_adapter_computes_the_dense_formula(rank_stabilized: bool) -> None:
    linear = nn.Linear(7, 5).double()
    shape = LoraShape(4, 6.0, rank_stabilized=rank_stabilized)
    layer = LoraLinear(linear, shape, torch.Generator().manual_seed(0))
    nn.init.normal_(layer.lora.B)
    hidden = torch.randn(3, 7, dtype=torch.float64)
    scale = 6.0 / (2.0 if rank_stabilized else 4.0)
    dense = linear.weight + scale * layer.lora.B @ layer.lora.A
    torch.testing.assert_close(layer(hidden), hidden @ dense.T + linear.bias)
    torch.testing.assert_close(layer.merged().weight, dense)


def test_gradients_of_an_adapter_agree_with_finite_differences() -> None:
    layer = LoraLinear(nn.Linear(4, 3).double(), LoraShape(2, 4.0), torch.Generator().manual_seed(0))
    nn.init.normal_(layer.lora.B)
    hidden = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)

    def compute(hidden: Tensor, first: Tensor, second: Tensor) -> Tensor:
        given = {"lora.A": first, "lora.B": second}
        output: Tensor = torch.func.functional_call(layer, given, (hidden,))
        return output

    assert torch.autograd.gradcheck(compute, (hidden, layer.lora.A, layer.lora.B))


def test_lstm_with_adapters_is_the_lstm_of_the_dense_formula_and_so_are_its_gradients() -> None:
    lstm, reference = (nn.LSTM(5, 6, batch_first=True).double() for _ in range(2))
    layer = LoraLstm(lstm, LoraShape(2, 4.0), torch.Generator().manual_seed(0))
    for adapter in layer.lora.values():
        assert isinstance(adapter, LowRank)
        nn.init.normal_(adapter.B)
    reference.load_state_dict(layer.merged().state_dict())
    hidden = torch.randn(3, 4, 5, dtype=torch.float64)
    output, (last, cell) = layer(hidden)
    expected, (expected_last, expected_cell) = reference(hidden)
    for own, other in ((output, expected), (last, expected_last), (cell, expected_cell)):
        torch.testing.assert_close(own, other)
    output.square().sum().backward()
    expected.square().sum().backward()
    adapter = layer.lora["weight_hh_l0"]
    assert isinstance(adapter, LowRank)
    assert reference.weight_hh_l0.grad is not None
    torch.testing.assert_close(adapter.B.grad, adapter.scale * reference.weight_hh_l0.grad @ adapter.A.T)
    torch.testing.assert_close(adapter.A.grad, adapter.scale * adapter.B.T @ reference.weight_hh_l0.grad)
    read_on, _ = layer(hidden, (last, cell))
    torch.testing.assert_close(read_on, reference(hidden, (expected_last, expected_cell))[0])


def test_dropout_drops_before_the_adapter_alone_and_only_in_training() -> None:
    linear = nn.Linear(64, 4)
    layer = LoraLinear(linear, LoraShape(2, 4.0, dropout=0.5), torch.Generator().manual_seed(0))
    hidden = torch.ones(1, 64)
    assert torch.equal(layer.train()(hidden), linear(hidden))  # B is still zero
    nn.init.ones_(layer.lora.B)
    assert not torch.equal(layer(hidden), layer(hidden))
    assert torch.equal(layer.eval()(hidden), layer(hidden))


def test_the_same_seed_gives_the_same_adapters_and_another_others() -> None:
    first: list[Tensor] = []
    for seed in (0, 0, 1):
        network = nn.Sequential(nn.Linear(8, 8))
        inject(network, ["0"], LoraShape(2, 4.0), seed)
        first.append(adapters(network)["0"].A.detach())
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first[0], first[2])
    assert first[0].abs().max() <= 8**-0.5


def test_names_end_in_targets_as_peft_chooses_them() -> None:
    names = ["encoder.0.query", "encoder.0.key", "encoder.0.subquery", "query"]
    assert choose(names, ["query"]) == ["encoder.0.query", "query"]
    assert choose(names, ["0.key", "encoder.0.subquery"]) == ["encoder.0.key", "encoder.0.subquery"]


def test_names_of_the_adapters_parameters_are_those_of_the_network() -> None:
    architecture, network = build("lstm")
    adapt(network, architecture)
    assert {name for name, _ in network.named_parameters() if ".lora." in name} == adapter_names(network)


def test_a_frozen_base_stays_frozen_and_counts_once() -> None:
    network = nn.Sequential(nn.Linear(8, 8))
    network.requires_grad_(False)
    inject(network, ["0"], LoraShape(2, 4.0), 0)
    assert {name for name, p in network.named_parameters() if p.requires_grad} == {"0.lora.A", "0.lora.B"}
