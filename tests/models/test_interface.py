from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from penjing.errors import ModelFolderError, RecipeError
from penjing.models.interface import Architecture, count_parameters, open_config
from penjing.models.weights import save_network
from penjing.registry import load_registered, registered_names

SHAPES: dict[str, dict[str, Any]] = {
    "bert": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 16,
    },
    "llama": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 16,
    },
    "lstm": {"embedding_size": 12, "hidden_size": 32, "num_hidden_layers": 2},
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2},
}


@pytest.fixture(params=sorted(SHAPES))
def architecture(request: pytest.FixtureRequest) -> Architecture:
    found: Architecture = load_registered("models", request.param)
    return found


def config_of(architecture: Architecture, **more: Any) -> Any:
    return architecture.config_from_dict({**SHAPES[architecture.name], "vocab_size": 60, "pad_token_id": 0, **more})


@pytest.mark.parametrize("large", [{"num_hidden_layers": 10**9, "num_layers": 10**9}, {"vocab_size": 10**12}])
def test_a_config_that_its_weights_are_too_few_for_is_refused_before_a_network_is_built(
    architecture: Architecture, tmp_path: Path, large: dict[str, int]
) -> None:
    config = config_of(architecture)
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    values = architecture.config_to_dict(config, head="language")
    save_network(tmp_path, network, values)
    assert open_config(values, tmp_path / "config.json")[0] is architecture
    known = {name: number for name, number in large.items() if name in values}
    with pytest.raises(ModelFolderError, match="beside it lie"):
        open_config({**values, **known}, tmp_path / "config.json")


@pytest.mark.parametrize("name", ["sasrec", "two_tower"])
def test_a_ranker_that_reads_vectors_of_texts_needs_no_words(name: str, tmp_path: Path) -> None:
    ranker: Architecture = load_registered("models", name)
    config = ranker.config_from_dict(
        {**ranker.fresh_shape, "vocab_size": 30_522, "pad_token_id": 0, "num_items": 9, "text_width": 16}
    )
    network = ranker.language_model(config)
    ranker.initialize(network, config, 0)
    values = ranker.config_to_dict(config, head="language")
    save_network(tmp_path, network, values)
    assert open_config(values, tmp_path / "config.json")[0] is ranker


def test_every_registered_architecture_is_under_its_own_name() -> None:
    assert set(registered_names("models")) >= set(SHAPES)
    assert all(load_registered("models", name).name == name for name in SHAPES)


@torch.no_grad()
def test_language_model_scores_its_vocabulary(architecture: Architecture) -> None:
    config = config_of(architecture)
    network: Any = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    ids = torch.randint(1, 60, (2, 7))
    hidden = network.encode(ids, None)
    assert hidden.shape[:2] == (2, 7)
    if "causal" in architecture.objectives:
        states, targets = network.next_token_pairs(ids, None)
        assert network.score(states).shape == (len(targets), 60)
    else:
        assert network.score(hidden.flatten(0, 1)).shape == (14, 60)
    assert isinstance(network.input_embeddings, nn.Embedding)
    assert network.input_embeddings.weight.shape == (60, architecture.embedding_size(config))


def test_backbones_of_both_networks_have_the_same_tensors(architecture: Architecture) -> None:
    config = config_of(architecture)
    networks: list[Any] = [architecture.language_model(config), architecture.classifier(config, 3)]
    heads = ("pooler.", "lm_head.")  # at the root of a T5, as on the hub
    names = [{n for n, _ in network.backbone.named_parameters() if not n.startswith(heads)} for network in networks]
    assert names[0] == names[1]


@torch.no_grad()
def test_with_closed_borders_no_token_sees_another_document(architecture: Architecture) -> None:
    config = config_of(architecture)
    network: Any = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    network.eval()
    ids, documents = torch.randint(1, 60, (1, 12)), torch.tensor([[3] * 5 + [4] * 7])
    if architecture.closes_borders == "never":
        with pytest.raises((AssertionError, TypeError)):
            network.encode(ids, documents=documents)
        return
    other = torch.cat([torch.randint(1, 60, (1, 5)), ids[:, 5:]], dim=1)
    both = [network.encode(rows, documents=documents)[:, 5:] for rows in (ids, other)]
    torch.testing.assert_close(both[0], both[1])
    opened = [network.encode(rows)[:, 5:] for rows in (ids, other)]
    assert (opened[0] - opened[1]).abs().max() > 1e-3
    if architecture.name in ("llama", "lstm"):  # whose places count from one token to another
        torch.testing.assert_close(both[0], network.encode(ids[:, 5:]))


def test_names_of_a_shape_are_checked(architecture: Architecture) -> None:
    architecture.check_shape(SHAPES[architecture.name], where="r.toml")
    name = next(iter(SHAPES[architecture.name]))
    with pytest.raises(RecipeError, match=rf'r\.toml: \[model\] shape has an entry "x{name}".*Did you mean "{name}"'):
        architecture.check_shape({f"x{name}": 3}, where="r.toml")
    for name in ("vocab_size", "eos_token_id"):
        with pytest.raises(RecipeError, match=f"{name}, which the tokenizer decides"):
            architecture.check_shape({name: 3}, where="r.toml")


def test_frozen_parameters_are_counted_and_tied_ones_once() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    assert count_parameters(network) == 24
    network[0].bias.requires_grad_(False)
    assert count_parameters(network) == 24
    network[1].weight = network[0].weight
    assert count_parameters(network) == 15


def test_operations_are_those_that_pytorch_counts() -> None:
    architecture = load_registered("models", "bert")
    config = config_of(architecture)
    network = architecture.classifier(config, 2)
    architecture.initialize(network, config, 0)
    ids = torch.randint(1, 60, (2, 16))
    with FlopCounterMode(display=False) as counter:
        network.backbone(ids).sum().backward()
    counted = counter.get_total_flops() / ids.numel()
    # PyTorch's fused attention computes its scores once more on the way back.
    assert architecture.training_flops_per_token(config, 16) == pytest.approx(counted, rel=0.05)
