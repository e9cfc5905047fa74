from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from penjing.models.device import choose_precision
from penjing.models.interface import Architecture
from penjing.progress import Silent
from penjing.registry import load_registered
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.batches import Batch, RowBatches, WindowBatches
from penjing.train.compiling import count_steps, should_compile
from penjing.train.history import read_history
from penjing.train.job import TrainingJob
from penjing.train.objectives.causal import CausalObjective
from penjing.train.objectives.classification import ClassificationObjective
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.probe import probe_training
from penjing.train.settings import FinetuneSettings, PretrainSettings
from penjing.train.trainer import Trainer

CPU = torch.device("cpu")
VOCABULARY = 50
SHAPE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    generator = torch.Generator().manual_seed(0)
    rows = [
        Rendered(torch.randint(5, VOCABULARY, (length,), generator=generator).tolist(), [], 0)
        for length in torch.randint(3, 20, (150,), generator=generator).tolist()
    ]
    folder = tmp_path_factory.mktemp("shard")
    return write_shard(folder, [(rows, [0, 1] * 75)], vocab_size=VOCABULARY, unknown_id=1, fingerprint="")


def bert(kind: str) -> torch.nn.Module:
    architecture: Architecture = load_registered("models", "bert")
    config = architecture.config_from_dict({**SHAPE, "vocab_size": VOCABULARY, "pad_token_id": 0})
    network = architecture.language_model(config) if kind == "language" else architecture.classifier(config, 2)
    architecture.initialize(network, config, 0)
    return network


def pretraining(shard: TokenShard, **changes: object) -> TrainingJob:
    settings = PretrainSettings.model_validate({"precision": "fp32", "device": "cpu", **changes})
    batches = WindowBatches(shard, 8, 32, 0)
    objective = MaskedObjective(0.2, 0.2, 4, VOCABULARY, frozenset(range(5)))
    return TrainingJob("pretrain", bert("language"), objective, batches, None, settings, 1e-3, 0)


def finetuning(shard: TokenShard, **changes: object) -> TrainingJob:
    settings = FinetuneSettings.model_validate({"precision": "fp32", "device": "cpu", "evaluations": 2, **changes})
    batches = RowBatches(shard, 0, 512, 16, 0)
    validation = RowBatches(shard, 0, 512, 64, 0, shuffled=False)
    objective = ClassificationObjective()
    return TrainingJob("finetune", bert("classifier"), objective, batches, validation, settings, 1e-3, 0)


@pytest.mark.parametrize("epochs", [0.3, 1, 1.5, 2])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_steps_are_counted_as_the_trainer_makes_them(
    shard: TokenShard, tmp_path: Path, epochs: float, accumulate: int
) -> None:
    for job in (
        finetuning(shard, epochs=epochs, accumulate=accumulate),
        pretraining(shard, epochs=epochs, accumulate=accumulate, compile="off"),
    ):
        folder = tmp_path / job.name
        folder.mkdir()
        assert Trainer(job, folder, Silent()).run().steps == count_steps(job)


def test_only_a_long_run_of_one_shape_is_compiled(shard: TokenShard) -> None:
    assert not should_compile(pretraining(shard, epochs=1), CPU)
    assert should_compile(pretraining(shard, epochs=100), CPU)
    assert not should_compile(pretraining(shard, epochs=100, compile="off"), CPU)
    assert should_compile(pretraining(shard, epochs=1, compile="on"), CPU)
    assert not should_compile(finetuning(shard, epochs=1000), CPU)


@pytest.mark.skipif(
    choose_precision("auto", CPU) != torch.bfloat16, reason="this processor has no bf16: no training chooses it here"
)
def test_compiled_bf16_has_the_gradients_of_what_is_written(tmp_path: Path) -> None:
    """Rows and heads as wide as real ones: there gcc 12 once made wrong code of a transposition."""
    architecture: Architecture = load_registered("models", "llama")
    shape = {"hidden_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 256}
    config = architecture.config_from_dict(
        {**shape, "vocab_size": 512, "max_position_embeddings": 256, "pad_token_id": 0}
    )
    ids = torch.randint(5, 512, (4 * 1024,), generator=torch.Generator().manual_seed(0)).tolist()
    shard = write_shard(tmp_path, [([Rendered(ids, [], 0)], [])], vocab_size=512, unknown_id=1, fingerprint="")
    norms = []
    for compiled in ("off", "on"):
        network = architecture.language_model(config)
        architecture.initialize(network, config, 0)
        settings = PretrainSettings(compile=compiled, precision="bf16", device="cpu", evaluations=1)
        batches = WindowBatches(shard, 256, 1024, 0)
        job = TrainingJob(compiled, network, CausalObjective(), batches, None, settings, 1e-3, 0)
        Trainer(job, tmp_path / compiled, Silent()).run()
        rows = [row for row in read_history(tmp_path / compiled / "history.jsonl") if "loss" in row]
        norms.append([row["gradient_norm"] for row in rows])
    assert norms[1] == pytest.approx(norms[0], rel=0.02)


def test_compiled_run_has_the_losses_of_the_plain_one(shard: TokenShard, tmp_path: Path) -> None:
    losses = []
    for compiled in ("off", "on"):
        job = pretraining(shard, epochs=1, compile=compiled, dropout=0.0)
        (tmp_path / compiled).mkdir()
        result = Trainer(job, tmp_path / compiled, Silent()).run()
        assert result.compiled == (compiled == "on")
        losses.append([row["loss"] for row in read_history(tmp_path / compiled / "history.jsonl") if "loss" in row])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


class Recorded:
    """Batches that remember the length of each that was trained on or measured, in order."""

    def __init__(self, batches: RowBatches) -> None:
        self.batches, self.lengths = batches, list[int]()

    has_one_shape = False

    def plan(self, epoch: int) -> list[np.ndarray[Any, Any]]:
        return self.batches.plan(epoch)

    def load(self, rows: np.ndarray[Any, Any]) -> Batch:
        batch = self.batches.load(rows)
        self.lengths.append(batch.ids.shape[1])
        return batch

    def used_ids(self) -> torch.Tensor | None:
        return self.batches.used_ids()


def test_probe_takes_a_step_with_every_shape_of_a_batch(shard: TokenShard) -> None:
    job = finetuning(shard)
    assert isinstance(job.batches, RowBatches)
    alone, probed = Recorded(job.batches), Recorded(job.batches)
    shapes = {alone.load(rows).ids.shape[1] for rows in alone.plan(0)}
    probe_training(replace(job, batches=probed), seconds=2)
    last = probed.lengths[-len(shapes) :]
    assert set(last) == shapes
    assert len(shapes) > 5


def test_probe_knows_the_steps_of_the_whole_run_and_about_its_tokens(shard: TokenShard, tmp_path: Path) -> None:
    for make in (finetuning, pretraining):
        probe = probe_training(make(shard, epochs=4), seconds=0.05)
        folder = tmp_path / make.__name__
        folder.mkdir()
        result = Trainer(make(shard, epochs=4), folder, Silent()).run()
        assert probe.steps == result.steps
        assert probe.tokens == pytest.approx(result.tokens, rel=0.25)
        assert probe.seconds > 0
        assert probe.peak_memory_mb > 50
