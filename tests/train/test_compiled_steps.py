"""Training a BERT by compiled steps: it goes on to the bit, gives up what it kept, and learns what PyTorch learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.test_trainer import StopAfter, losses
from torch import nn

from penjing.errors import Interrupted
from penjing.models import attention, fused
from penjing.models.bert import BERT
from penjing.models.native.training import training_library
from penjing.progress import Silent
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.batches import RowBatches
from penjing.train.job import TrainingJob
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.settings import FinetuneSettings
from penjing.train.trainer import Trainer

pytestmark = pytest.mark.skipif(training_library() is None, reason="no C++ compiler here")
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 40}


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    """Rows whose label says whether token 7 is in them."""
    rng = np.random.default_rng(0)
    rows = [[2, *rng.integers(10, 40, size=rng.integers(3, 30)).tolist(), 3] for _ in range(200)]
    labels = rng.integers(2, size=200).tolist()
    marked = [
        Rendered([*ids[:2], 7, *ids[2:]] if label else ids, [], 0) for ids, label in zip(rows, labels, strict=True)
    ]
    folder = tmp_path_factory.mktemp("shard")
    return write_shard(folder, [(marked, labels)], vocab_size=40, unknown_id=1, fingerprint="f")


def train(shard: TokenShard, folder: Path, progress: Any = None, **changes: Any) -> nn.Module:
    folder.mkdir(exist_ok=True)
    settings = FinetuneSettings(**{"epochs": 2, "batch_rows": 16, "precision": "bf16", "device": "cpu", **changes})
    config = BERT.config_from_dict(SHAPE)
    network = BERT.classifier(config, 2)
    BERT.initialize(network, config, 0)
    batches = RowBatches(shard, 0, settings.batch_tokens, settings.batch_rows, 0)
    job = TrainingJob("train", network, ClassificationObjective(), batches, None, settings, 3e-3, 0)
    Trainer(job, folder, progress or Silent()).run()
    return network


def test_stopped_run_goes_on_to_the_bit(shard: TokenShard, tmp_path: Path) -> None:
    whole = train(shard, tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(shard, tmp_path / "parts", StopAfter(7))
    listener = StopAfter(10**9)
    parts = train(shard, tmp_path / "parts", listener)
    assert listener.said == ["train: going on from step 7"]
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(one, other)


def test_recomputed_layers_drop_the_same_again(shard: TokenShard, tmp_path: Path) -> None:
    train(shard, tmp_path / "kept")
    train(shard, tmp_path / "recomputed", recompute=True)
    assert losses(tmp_path / "recomputed") == losses(tmp_path / "kept")


def test_losses_are_those_of_pytorch(shard: TokenShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without dropout, which each draws in its own way."""
    train(shard, tmp_path / "compiled", dropout=0.0)
    monkeypatch.setattr(fused, "can_fuse", lambda _: False)
    monkeypatch.setattr(attention, "can_attend", lambda *_: False)
    train(shard, tmp_path / "plain", dropout=0.0)
    found, expected = losses(tmp_path / "compiled"), losses(tmp_path / "plain")
    assert found != expected  # the first were compiled
    assert np.allclose([loss for _, loss in found], [loss for _, loss in expected], atol=0.02)
