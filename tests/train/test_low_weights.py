"""bf16 copies of weights: training with them ends in the same weights, to the bit, as training without."""

from __future__ import annotations

from collections.abc import Sequence
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
    assert made[0].copies
    monkeypatch.setattr(trainer, "lower_weights", lambda *arguments: LowWeights(()))
    assert_same(with_copies, train(family, shard, tmp_path / "without"))
    for parameter, copy in made[0].copies.items():
        assert torch.equal(copy, parameter.detach().bfloat16())


@needs_library
def test_there_are_copies_only_where_they_are_kept_and_nothing_is_added_up() -> None:
    network, low = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), torch.bfloat16

    def count(precision: torch.dtype = low, device: torch.device = CPU, **settings: Any) -> int:
        return len(lower_weights(network, FinetuneSettings(**settings), device, precision).copies)

    assert count() == 2
    assert count(torch.float32) == count(accumulate=2) == count(optimizer="muon") == 0
    assert count(device=torch.device("meta")) == 0


def layers(*made: nn.Module) -> Sequence[nn.Module]:
    return list(nn.ModuleList(made).modules())


def test_what_two_layers_share_is_not_copied() -> None:
    words, scores, other = nn.Embedding(6, 4), nn.Linear(4, 6), nn.Linear(4, 6)
    scores.weight = words.weight
    copied = list(LowWeights(layers(words, scores, other)).copies)
    assert [any(one is copy for copy in copied) for one in (words.weight, scores.bias, other.weight)] == [
        False,
        True,
        True,
    ]


def test_weights_are_back_after_an_error_and_copies_follow_when_asked() -> None:
    layer = nn.Linear(4, 4)
    low, before = LowWeights(layers(layer)), layer.weight.detach().clone()
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
