from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from penjing.registry import load_registered
from penjing.text.renderer import Rendered
from penjing.text.shards import write_shard
from penjing.train.batches import WindowBatches
from penjing.train.ceiling import FlopCounter, count_flops_per_token, measure_matrix_rate
from penjing.train.job import TrainingJob
from penjing.train.objectives.causal import CausalObjective
from penjing.train.settings import PretrainSettings


def test_operations_of_a_step_are_those_of_the_formula(tmp_path: Path) -> None:
    architecture = load_registered("models", "llama")
    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 96}
    config = architecture.config_from_dict({**shape, "vocab_size": 500})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    rows = [Rendered(list(range(5, 400)), [], 0)]
    shard = write_shard(tmp_path, [(rows, [])], vocab_size=500, unknown_id=1, fingerprint="f")
    batches = WindowBatches(shard, 64, 128, 0)
    job = TrainingJob("pretrain", network, CausalObjective(), batches, None, PretrainSettings(), 1e-3, 0)
    counted = count_flops_per_token(job, torch.device("cpu"))
    formula = architecture.training_flops_per_token(config, 64) + 6 * 64 * 500 * 63 / 64
    assert counted == pytest.approx(formula, rel=1e-6)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_operations_of_an_lstm_are_counted_too(tmp_path: Path) -> None:
    architecture = load_registered("models", "lstm")
    config = architecture.config_from_dict({"embedding_size": 32, "hidden_size": 32, "vocab_size": 500})
    network = architecture.language_model(config)
    architecture.initialize(network, config, 0)
    rows = [([Rendered(list(range(5, 400)), [], 0)], list[int]())]
    shard = write_shard(tmp_path, rows, vocab_size=500, unknown_id=1, fingerprint="f")
    directions = 2 if config.bidirectional else 1
    batches, objective = WindowBatches(shard, 64, 128, 0), CausalObjective(directions)
    job = TrainingJob("pretrain", network, objective, batches, None, PretrainSettings(), 1e-3, 0)
    counted = count_flops_per_token(job, torch.device("cpu"))
    head = 6 * config.embedding_size * 500 * directions * 63 / 64
    layers = architecture.training_flops_per_token(config, 64)
    assert counted == pytest.approx(layers + head, rel=0.05)


@pytest.mark.parametrize("family", ["bert", "llama", "lstm", "t5"])
def test_operations_are_those_that_pytorch_counts(family: str) -> None:
    architecture = load_registered("models", family)
    config = architecture.config_from_dict({**architecture.fresh_shape, "vocab_size": 90})
    network = architecture.classifier(config, 3)
    ids, mask = torch.arange(5, 29).view(2, 12), torch.arange(12) < torch.tensor([[12], [9]])
    found = []
    for counter in (FlopCounter(), FlopCounterMode(display=False)):
        with sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False), counter:
            network(ids, mask).sum().backward()
        found.append(counter.flops if isinstance(counter, FlopCounter) else counter.get_total_flops())
    assert found[0] == found[1] > 0


def test_matrix_rate_is_positive_and_finite() -> None:
    assert 1e8 < measure_matrix_rate(torch.device("cpu"), torch.float32) < 1e15
