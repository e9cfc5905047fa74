"""Dropout by bytes: as many zeros as said, the mean kept, and PyTorch's own wherever it is the better one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from penjing.models.dropout import Dropout, drop
from penjing.registry import load_registered

SHAPES: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32},
    "llama": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "attention_dropout": 0.5},
    "lstm": {"embedding_size": 16, "hidden_size": 16},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2},
}


@pytest.mark.parametrize("family", SHAPES)
def test_all_that_a_network_drops_is_dropped_by_modules_so_that_a_trainer_finds_it(family: str) -> None:
    architecture = load_registered("models", family)
    network = architecture.classifier(architecture.config_from_dict({**SHAPES[family], "vocab_size": 50}), 2)
    architecture.initialize(network, network.config, 0)
    ids = torch.randint(5, 50, (2, 12), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network.eval()(ids)
        network.train()
        torch.manual_seed(0)
        assert not torch.equal(network(ids), expected)
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        torch.testing.assert_close(network(ids), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_share_of_zeros_is_what_was_asked_and_the_mean_stays(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    dropped = drop(torch.ones(1000, 1001, dtype=dtype), share, is_training=True).float()
    assert (dropped == 0).float().mean().item() == pytest.approx(share, abs=0.003)
    assert dropped.mean().item() == pytest.approx(1, rel=0.01)


def test_every_bit_of_a_random_number_decides() -> None:
    torch.manual_seed(0)
    kept = (drop(torch.ones(80_000), 0.5, is_training=True) != 0).view(-1, 8).float().mean(dim=0)
    torch.testing.assert_close(kept, torch.full((8,), 0.5), atol=0.03, rtol=0)


def test_neighbors_are_dropped_independently() -> None:
    torch.manual_seed(0)
    gone = drop(torch.ones(100_000), 0.3, is_training=True) == 0
    assert (gone[1:] & gone[:-1]).float().mean().item() == pytest.approx(0.09, abs=0.005)


def test_gradient_passes_where_the_value_passed() -> None:
    values = torch.randn(64, 33, requires_grad=True)
    dropped = drop(values, 0.4, is_training=True)
    dropped.sum().backward()
    torch.testing.assert_close(values.grad, (dropped != 0) * (256 / (256 - round(0.4 * 256))))


def test_same_seed_drops_the_same_values() -> None:
    values = torch.randn(17, 5)
    torch.manual_seed(3)
    first = drop(values, 0.2, is_training=True)
    torch.manual_seed(3)
    assert torch.equal(first, drop(values, 0.2, is_training=True))


def test_nothing_is_dropped_outside_of_training() -> None:
    values = torch.randn(4, 4)
    assert Dropout(0.5).eval()(values) is values
    assert drop(values, 0.0, is_training=True) is values


def test_module_is_found_where_pytorchs_own_is_looked_for() -> None:
    assert isinstance(Dropout(0.1), torch.nn.Dropout)
