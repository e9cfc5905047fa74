from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from penjing.errors import Interrupted, TrainingError
from penjing.progress import Silent
from penjing.registry import load_registered
from penjing.text.renderer import Rendered
from penjing.text.shards import TokenShard, write_shard
from penjing.train.batches import WindowBatches
from penjing.train.determinism import deterministic_algorithms
from penjing.train.history import read_history
from penjing.train.job import TrainingJob
from penjing.train.objectives.causal import CausalObjective
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.objectives.span import SpanObjective
from penjing.train.settings import PretrainSettings
from penjing.train.trainer import Trainer

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU")
VOCABULARY, WINDOW = 600, 64
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 256},
    "bert": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 256},
    "t5": {"d_model": 128, "d_kv": 64, "d_ff": 256, "num_layers": 2, "num_heads": 2},
    "lstm": {"embedding_size": 128, "hidden_size": 128},
}


class StopAfter(Silent):
    """Asks to stop after so many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def should_stop(self) -> bool:
        self._left -= 1
        return self._left <= 0


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> TokenShard:
    rng = np.random.default_rng(0)
    rows = [Rendered((rng.zipf(1.3, 50) % 500 + 10).tolist(), [], 0) for _ in range(640)]
    folder = tmp_path_factory.mktemp("shard")
    return write_shard(folder, [(rows, [])], vocab_size=VOCABULARY, unknown_id=1, fingerprint="")


def objective_of(family: str) -> Any:
    if family == "bert":
        return MaskedObjective(0.2, 0.2, 4, VOCABULARY, [0, 1, 2, 3, 4])
    if family == "t5":
        return SpanObjective(0.2, 3.0, list(range(520, 600)), 1, 0)
    return CausalObjective()


def train(family: str, shard: TokenShard, folder: Path, progress: Any = None, **changes: Any) -> nn.Module:
    architecture = load_registered("models", family)
    values = {**SHAPES[family], "vocab_size": VOCABULARY, "pad_token_id": 0, "eos_token_id": 1}
    config = architecture.config_from_dict(values)
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    settings = PretrainSettings(
        **{"window_tokens": WINDOW, "batch_tokens": 8 * WINDOW, "learning_rate": 1e-3, "dropout": 0.1, **changes}
    )
    closed = settings.borders == "closed"
    batches = WindowBatches(shard, WINDOW, settings.batch_tokens, 0, tells_documents=closed)
    job = TrainingJob("train", network, objective_of(family), batches, None, settings, 1e-3, 0)
    folder.mkdir(exist_ok=True)
    Trainer(job, folder, progress or Silent()).run()
    return network


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in read_history(folder / "history.jsonl") if "loss" in row]


@needs_gpu
@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {"compile": "on"}),
        ("llama", {"compile": "off", "optimizer": "muon", "accumulate": 3, "recompute": True}),
        ("llama", {"compile": "on", "borders": "closed", "dropout": 0.0, "average": 0.9}),
        ("llama", {"compile": "off", "borders": "closed", "dropout": 0.0, "accumulate": 2, "recompute": True}),
        ("bert", {"compile": "on"}),
        ("bert", {"compile": "off", "precision": "fp32", "accumulate": 2}),
        ("t5", {"compile": "on"}),
        ("t5", {"compile": "off"}),
        ("lstm", {"compile": "off"}),
    ],
)
def test_a_stopped_run_resumes_to_the_bit_on_a_gpu(
    family: str, changes: dict[str, Any], shard: TokenShard, tmp_path: Path
) -> None:
    stop_and_compare(family, changes, shard, tmp_path)


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {"optimizer": "muon", "accumulate": 3, "recompute": True}),
        ("llama", {"borders": "closed", "dropout": 0.0, "average": 0.9}),
        ("llama", {"borders": "closed", "dropout": 0.0, "accumulate": 2, "recompute": True, "precision": "bf16"}),
        ("bert", {"accumulate": 2}),
        ("t5", {"accumulate": 2}),
        ("t5", {"borders": "closed", "optimizer": "muon"}),
        ("lstm", {"accumulate": 2}),
    ],
)
def test_a_stopped_run_resumes_to_the_bit_on_a_cpu(
    family: str, changes: dict[str, Any], shard: TokenShard, tmp_path: Path
) -> None:
    stop_and_compare(family, {"device": "cpu", "compile": "off", **changes}, shard, tmp_path)


def stop_and_compare(family: str, changes: dict[str, Any], shard: TokenShard, tmp_path: Path) -> None:
    """Trains at once, and in three parts, and compares every loss and every weight."""
    whole = train(family, shard, tmp_path / "whole", **changes)
    for steps in (7, 4):
        with pytest.raises(Interrupted):
            train(family, shard, tmp_path / "parts", StopAfter(steps), **changes)
    parts = train(family, shard, tmp_path / "parts", **changes)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert losses(tmp_path / "whole")[-1] < losses(tmp_path / "whole")[0]
    for (name, expected), (_, found) in zip(whole.named_parameters(), parts.named_parameters(), strict=True):
        assert torch.equal(expected, found), name


@needs_gpu
@pytest.mark.parametrize("family", SHAPES)
def test_a_gpu_learns_what_a_cpu_learns(family: str, shard: TokenShard, tmp_path: Path) -> None:
    same = {"dropout": 0.0, "precision": "fp32", "compile": "off", "epochs": 0.3}
    train(family, shard, tmp_path / "cpu", device="cpu", **same)
    train(family, shard, tmp_path / "gpu", device="cuda", **same)
    assert losses(tmp_path / "gpu") == pytest.approx(losses(tmp_path / "cpu"), rel=1e-4)


@needs_gpu
def test_an_operation_without_such_an_algorithm_says_what_to_do() -> None:
    picture = torch.rand(1, 1, 8, 8, device="cuda", requires_grad=True)
    pooled = nn.functional.adaptive_avg_pool2d(picture, 3).sum()
    with pytest.raises(TrainingError, match="adaptive_avg_pool2d") as raised, deterministic_algorithms(picture.device):
        pooled.backward()
    assert "deterministic = false" in str(raised.value)
    assert not torch.are_deterministic_algorithms_enabled()


@needs_gpu
def test_what_was_set_before_is_set_afterwards() -> None:
    with deterministic_algorithms(torch.device("cuda")):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_on_a_cpu_nothing_is_set() -> None:
    with deterministic_algorithms(torch.device("cpu")):
        assert not torch.are_deterministic_algorithms_enabled()
