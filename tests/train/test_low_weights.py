"""bf16 copies of weights: training with them ends in the same weights, to the bit, as training without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from penjing.models.bert import BERT
from penjing.models.llama import LLAMA
from penjing.models.lstm import LSTM
from penjing.models.t5 import T5
from penjing.progress import Silent
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train import trainer
from penjing.train.adamw import adamw_library
from penjing.train.batches import RowBatches
from penjing.train.job import TrainingJob
from penjing.train.low_weights import LowWeights, lower_weights
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.settings import FinetuneSettings

CPU = torch.device("cpu")
SHAPES: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64},
    "llama": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64},
    "lstm": {"embedding_size": 16, "hidden_size": 16},
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2},
}
needs_library = pytest.mark.skipif(adamw_library() is None, reason="no C++ compiler here")


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    rng = np.random.default_rng(0)
    rows = [Rendered([2, *rng.integers(10, 60, size=rng.integers(3, 9)).tolist(), 3], [], 0) for _ in range(64)]
    labelled = [(rows, rng.integers(2, size=64).tolist())]
    folder = tmp_path_factory.mktemp("rows")
    return write_shard(folder, labelled, vocab_size=60, unknown_id=1, fingerprint="f")


def train(family: str, shard: TokenShard, folder: Path, **changes: Any) -> nn.Module:
    architecture = {"bert": BERT, "llama": LLAMA, "lstm": LSTM, "t5": T5}[family]
    config = architecture.config_from_dict({**SHAPES[family], "vocab_size": 60})
    network = architecture.classifier(config, 2)
    architecture.initialize(network, config, 0)
    settings = FinetuneSettings(epochs=3, precision="bf16", **changes)
    batches = RowBatches(shard, 0, 256, 16, 0)
    job = TrainingJob("finetune", network, ClassificationObjective(), batches, None, settings, 1e-2, 0)
    trainer.Trainer(job, folder, Silent()).run()
    return network


def assert_same(first: nn.Module, second: nn.Module) -> None:
    for (name, one), other in zip(first.named_parameters(), second.parameters(), strict=True):
        assert one.dtype == torch.float32, name
        assert torch.equal(one, other), name


@needs_library
@pytest.mark.parametrize("family", list(SHAPES))
def test_training_ends_in_the_same_weights_as_without_copies(
    family: str, shard: TokenShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[LowWeights] = []

    def spy(*arguments: Any) -> LowWeights:
        made.append(lower_weights(*arguments))
        return made[-1]

    monkeypatch.setattr(trainer, "lower_weights", spy)
    with_copies = train(family, shard, tmp_path / "with")
    assert bool(made[0].copies) == (family != "lstm")  # it has no linear layers in its layers
    monkeypatch.setattr(trainer, "lower_weights", lambda *arguments: LowWeights(()))
    assert_same(with_copies, train(family, shard, tmp_path / "without"))
    for parameter, copy in made[0].copies.items():
        assert torch.equal(copy, parameter.detach().bfloat16())


def count(
    network: nn.Module, precision: torch.dtype = torch.bfloat16, device: torch.device = CPU, **settings: Any
) -> int:
    return len(lower_weights(network, FinetuneSettings(**settings), device, precision).copies)


def wrap(*layers: nn.Module) -> nn.Module:
    """A network with these as its layers."""
    network = nn.Module()
    network.layers = nn.ModuleList(layers)
    return network


@needs_library
def test_there_are_copies_only_where_they_are_kept_and_batches_are_not_added_up() -> None:
    network = wrap(nn.Linear(4, 4), nn.LayerNorm(4))
    assert count(network) == 2
    assert count(network, torch.float32) == 0
    assert count(network, accumulate=2) == 0
    assert count(network, optimizer="muon") == 0
    assert count(network, device=torch.device("meta")) == 0
    network.turned = nn.Parameter(torch.zeros(3, 4).T)  # which is not trained in one pass
    assert count(network) == 0


@needs_library
def test_what_two_modules_share_and_what_scores_the_vocabulary_is_not_copied() -> None:
    shared, other = nn.Linear(4, 6), nn.Linear(4, 6, bias=False)
    network = wrap(shared, other)
    network.words = nn.Embedding(6, 4)
    network.words.weight = shared.weight  # type: ignore[union-attr]
    assert count(network) == 2  # the shared layer's bias, the other's weight

    config = LLAMA.config_from_dict({**SHAPES["llama"], "vocab_size": 60, "tie_word_embeddings": False})
    model = LLAMA.language_model(config)
    copies = lower_weights(model, FinetuneSettings(), CPU, torch.bfloat16).copies
    names = {name for name, parameter in model.named_parameters() if any(parameter is copy for copy in copies)}
    assert names
    assert all(".layers." in name for name in names)


def test_weights_are_back_after_an_error_and_copies_follow_when_asked() -> None:
    layer = nn.Linear(4, 4)
    low, before = LowWeights(list(layer.parameters())), layer.weight.detach().clone()
    low.refresh()

    def fail() -> Tensor:
        assert layer.weight.dtype == torch.bfloat16
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"), low.in_place():
        fail()
    assert torch.equal(layer.weight, before)
    with torch.no_grad():
        layer.weight.mul_(3)
    low.refresh()
    assert torch.equal(low.copies[layer.weight], layer.weight.detach().bfloat16())


def test_copies_of_one_shape_lie_one_after_another_and_begin_at_cache_lines() -> None:
    parts = [torch.zeros(8, 16), torch.zeros(8, 16), torch.zeros(5), torch.zeros(5)]
    first, second, third, fourth = LowWeights(parts).copies.values()
    assert second.data_ptr() == first.data_ptr() + first.numel() * 2
    assert {(copy.data_ptr() - first.data_ptr()) % 64 for copy in (second, third, fourth)} == {0}
