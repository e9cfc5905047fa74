from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from penjing.errors import Interrupted, TrainingError
from penjing.models.interface import Architecture
from penjing.models.lora import adapter_names
from penjing.models.quantized import QuantizedLinear
from penjing.progress import Silent
from penjing.registry import load_registered
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.adapting import adapt
from penjing.train.batches import RowBatches
from penjing.train.frozen import count_trained, hash_frozen, trained_parameters
from penjing.train.history import read_history
from penjing.train.job import TrainingJob
from penjing.train.layers import outermost_layers
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.optimizer import build_optimizer
from penjing.train.settings import FinetuneSettings, LoraSettings
from penjing.train.trainer import Trainer

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": SHAPE,
    "llama": SHAPE,
    "lstm": {"embedding_size": 8, "hidden_size": 12, "num_hidden_layers": 2, "bidirectional": False},
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2},
}
VOCABULARY = 40


class StopAfter(Silent):
    """Asks to stop after so many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def should_stop(self) -> bool:
        self._left -= 1
        return self._left <= 0


def build(family: str, *, seed: int = 0, **lora: Any) -> nn.Module:
    """Returns a network with adapters; the seed is that of the base."""
    architecture: Architecture = load_registered("models", family)
    config = architecture.config_from_dict({**FAMILIES[family], "vocab_size": VOCABULARY})
    network = architecture.classifier(config, 2)
    architecture.initialize(network, config, seed)
    backbone = {id(parameter) for parameter in network.backbone.parameters()}
    fresh = {name for name, parameter in network.named_parameters() if id(parameter) not in backbone}
    adapt(network, LoraSettings(**{"rank": 2, **lora}), architecture.adapted, fresh, 0)
    return network


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    """Rows whose label says whether token 7 is in them."""
    rng = np.random.default_rng(0)
    rows, labels = [], []
    for _ in range(96):
        ids, label = rng.integers(10, VOCABULARY, size=rng.integers(3, 9)).tolist(), int(rng.integers(2))
        rows.append(Rendered([2, *ids, 7, 3] if label else [2, *ids, 3], [], 0))
        labels.append(label)
    folder = tmp_path_factory.mktemp("shard")
    return write_shard(folder, [(rows, labels)], vocab_size=VOCABULARY, unknown_id=1, fingerprint="f")


def train(shard: TokenShard, folder: Path, network: nn.Module, progress: Any = None, **changes: Any) -> nn.Module:
    folder.mkdir(exist_ok=True)
    common = {"epochs": 2, "batch_rows": 16, "precision": "fp32", "device": "cpu", "compile": "off"}
    settings = FinetuneSettings(**{**common, **changes})
    batches = RowBatches(shard, 0, settings.batch_tokens, settings.batch_rows, 0)
    validation = RowBatches(shard, 0, settings.batch_tokens, 64, 0, shuffled=False)
    job = TrainingJob("train", network, ClassificationObjective(), batches, validation, settings, 1e-2, 0)
    Trainer(job, folder, progress or Silent()).run()
    return network


def losses(folder: Path) -> list[tuple[int, float]]:
    return [(row["step"], row["loss"]) for row in read_history(folder / "history.jsonl") if "loss" in row]


@pytest.mark.parametrize("family", list(FAMILIES))
def test_adapters_and_head_learn_and_everything_else_stays_as_it_was_to_the_bit(
    family: str, shard: TokenShard, tmp_path: Path
) -> None:
    before = {name: p.detach().clone() for name, p in build(family).named_parameters()}
    network = train(shard, tmp_path, build(family), average=0.9)
    trained = trained_parameters(network)
    assert adapter_names(network) < set(trained)
    assert 0 < count_trained(network) < 0.5 * sum(p.numel() for p in network.parameters())
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name]) == (name not in trained), name


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_what_is_frozen_has_no_optimizer_state_and_adapters_are_adamws(optimizer: str) -> None:
    network = build("bert")
    made = build_optimizer(network, FinetuneSettings(optimizer=optimizer))
    names = {parameter: name for name, parameter in network.named_parameters()}
    in_groups = {names[p]: group for group in made.param_groups for p in group["params"]}
    assert set(in_groups) == set(trained_parameters(network))
    assert not any("momentum" in group for group in in_groups.values())  # which those of Muon have


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("bert", {}),
        ("bert", {"average": 0.9, "accumulate": 2}),
        ("bert", {"recompute": True}),
        ("bert", {"base": "int8", "average": 0.9}),
        ("llama", {"base": "int4", "precision": "bf16"}),
        ("llama", {"precision": "bf16"}),
        ("lstm", {"precision": "bf16"}),
        ("t5", {"optimizer": "muon"}),
    ],
)
def test_stopped_run_with_adapters_resumes_to_the_same_losses_to_the_bit(
    family: str, changes: dict[str, Any], shard: TokenShard, tmp_path: Path
) -> None:
    lora = {} if family == "lstm" else {"dropout": 0.1, "base": changes.get("base")}
    changes = {name: value for name, value in changes.items() if name != "base"}
    whole = train(shard, tmp_path / "whole", build(family, **lora), **changes)
    for steps in (3, 2):
        with pytest.raises(Interrupted):
            train(shard, tmp_path / "parts", build(family, **lora), StopAfter(steps), **changes)
    parts = train(shard, tmp_path / "parts", build(family, **lora), **changes)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    for own, other in zip(parts.parameters(), whole.parameters(), strict=True):
        assert torch.equal(own, other)


def test_a_checkpoint_holds_what_is_trained_alone_and_is_refused_on_another_base(
    shard: TokenShard, tmp_path: Path
) -> None:
    network = build("bert")
    with pytest.raises(Interrupted):
        train(shard, tmp_path, network, StopAfter(3))
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    stored = load_file(checkpoint / "network.safetensors")
    assert set(stored) == set(trained_parameters(network))
    moments = {name for name in load_file(checkpoint / "optimizer.safetensors") if name.startswith("moment.exp_avg.")}
    assert {name.removeprefix("moment.exp_avg.") for name in moments} == set(stored)
    with pytest.raises(TrainingError, match="of another network"):
        train(shard, tmp_path, build("bert", seed=1))


def test_recomputed_layers_give_the_same_losses_to_the_bit(shard: TokenShard, tmp_path: Path) -> None:
    for name, recompute in (("kept", False), ("again", True)):
        train(shard, tmp_path / name, build("llama"), recompute=recompute)
    assert losses(tmp_path / "kept") == losses(tmp_path / "again")


@pytest.mark.parametrize("family", list(FAMILIES))
def test_layers_with_adapters_are_compiled_whole_or_not_at_all_and_give_the_same_gradients(family: str) -> None:
    network = build(family).train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    ids = torch.randint(5, VOCABULARY, (2, 6), generator=torch.Generator().manual_seed(0))

    def gradients() -> list[Tensor]:
        network.zero_grad()
        network(ids, None).square().sum().backward()
        return [p.grad for p in trained_parameters(network).values() if p.grad is not None]

    plain = gradients()
    for layer in outermost_layers(network):
        layer.compile(backend="aot_eager", dynamic=False, fullgraph=True)
    compiled = gradients()
    assert len(plain) == len(trained_parameters(network))
    for own, other in zip(compiled, plain, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("base", ["int8", "int4"])
@pytest.mark.parametrize("family", ["bert", "llama", "t5"])
def test_training_on_a_quantized_base_is_training_on_the_numbers_it_stands_for(
    family: str, base: str, shard: TokenShard, tmp_path: Path
) -> None:
    network, whole = build(family, base=base), build(family)
    made = {name: module for name, module in network.named_modules() if isinstance(module, QuantizedLinear)}
    assert {f"{name}.weight" for name in made} == {
        name
        for name, p in whole.named_parameters()
        if p.ndim == 2
        and not p.requires_grad
        and "embed" not in name
        and "shared" not in name
        and "relative" not in name
    }
    for name, module in made.items():
        with torch.no_grad():
            whole.get_parameter(f"{name}.weight").copy_(module.weight)
    for name, own in (("quantized", network), ("whole", whole)):
        train(shard, tmp_path / name, own, epochs=1)
    assert losses(tmp_path / "quantized") == losses(tmp_path / "whole")
    trained = trained_parameters(whole)
    for name, parameter in trained_parameters(network).items():
        assert torch.equal(parameter, trained[name]), name


@pytest.mark.parametrize("base", ["int8", "int4"])
def test_a_checkpoint_on_a_quantized_base_holds_what_is_trained_alone(
    base: str, shard: TokenShard, tmp_path: Path
) -> None:
    network = build("bert", base=base)
    with pytest.raises(Interrupted):
        train(shard, tmp_path, network, StopAfter(2))
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    assert set(load_file(checkpoint / "network.safetensors")) == set(trained_parameters(network))
    with pytest.raises(TrainingError, match="of another network"):
        train(shard, tmp_path, build("bert"))


@pytest.mark.parametrize("base", ["int8", "int4"])
def test_layers_on_a_quantized_base_are_compiled_whole(base: str) -> None:
    network = build("llama", base=base).train()
    ids = torch.randint(5, VOCABULARY, (2, 6), generator=torch.Generator().manual_seed(0))

    def gradients() -> list[Tensor]:
        network.zero_grad()
        network(ids, None).square().sum().backward()
        return [p.grad for p in trained_parameters(network).values() if p.grad is not None]

    plain = gradients()
    for layer in outermost_layers(network):
        layer.compile(backend="aot_eager", dynamic=False, fullgraph=True)
    assert len(plain) == len(trained_parameters(network))
    for own, other in zip(gradients(), plain, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-6)


def test_targets_of_the_recipe_take_the_place_of_the_familys() -> None:
    network = build("bert", targets=("query", "value"))
    assert {name.split(".")[-3] for name in adapter_names(network)} == {"query", "value"}


def test_the_learned_positions_of_a_head_are_trained_and_so_is_what_is_fresh_in_the_backbone() -> None:
    architecture: Architecture = load_registered("models", "bert")
    config = architecture.config_from_dict({**SHAPE, "vocab_size": VOCABULARY})
    network = architecture.classifier(config, 2)
    fresh = ("classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias")
    adapt(network, LoraSettings(rank=2), architecture.adapted, fresh, 0)
    assert set(trained_parameters(network)) == {*fresh, *adapter_names(network)}


def test_hash_of_what_is_frozen_changes_with_a_number_a_name_and_nothing_that_is_trained() -> None:
    def make(value: float = 0.0) -> nn.Module:
        network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        for parameter in network.parameters():
            nn.init.zeros_(parameter)
        network[0].requires_grad_(False)
        network[0].weight[0, 0] = value
        return network

    first, other, trained = make(), make(1e-7), make()
    nn.init.ones_(trained[1].weight)
    assert hash_frozen(first) == hash_frozen(trained) != hash_frozen(other)
    renamed: dict[str, nn.Module] = {"a": first[0], "b": first[1]}
    assert hash_frozen(nn.ModuleDict(renamed)) != hash_frozen(first)
    assert hash_frozen(nn.Linear(2, 2)) == ""


def test_gradients_of_adapters_reach_below_a_frozen_embedding() -> None:
    network = build("bert").train()
    ids: Tensor = torch.randint(5, VOCABULARY, (2, 6))
    network(ids, None).square().sum().backward()
    assert network.input_embeddings.weight.grad is None
    assert all(p.grad is not None for p in trained_parameters(network).values())
