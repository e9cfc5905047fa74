from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from penjing.text.renderer import Rendered
from penjing.text.shards import write_shard
from penjing.train.batches import Batch, WindowBatches
from penjing.train.job import TrainingJob
from penjing.train.objective import Prepared
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.settings import PretrainSettings
from penjing.train.step_loader import StepLoader

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


class CountingObjective(MaskedObjective):
    """Counts how often it prepares a batch."""

    prepared = 0

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        self.prepared += 1
        return super().prepare(batch, generator, done)


@pytest.mark.parametrize("device", DEVICES)
def test_what_a_step_reads_is_the_same_whenever_it_is_prepared(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = np.random.default_rng(0).integers(5, 50, 4096).tolist()
    shard = write_shard(tmp_path, [([Rendered(ids, [], 0)], [])], vocab_size=50, unknown_id=1, fingerprint="")
    batches = WindowBatches(shard, 16, 64, 0)
    objective = CountingObjective(0.5, 0.1, 4, 50, [0, 1, 2, 3, 4])  # fewer and fewer are masked
    job = TrainingJob("job", torch.nn.Linear(1, 1), objective, batches, None, PretrainSettings(), 0.1, 3)
    plan, place = batches.plan(0), torch.device(device)
    ahead, without = StepLoader(job, place), StepLoader(job, place)
    monkeypatch.setattr(ahead, "_looks_ahead", True)

    def check(step: int, first: int, *, is_ready: bool) -> None:
        group, done = plan[first : first + 2], step / 10
        before = objective.prepared
        found = ahead.load(step, group, done)
        assert objective.prepared - before == (0 if is_ready else 2)
        for one, other in zip(found, without.load(step, group, done), strict=True):
            assert (one.targets, one.tokens) == (other.targets, other.tokens)
            assert all(torch.equal(a, b) for a, b in zip(one.tensors, other.tensors, strict=True) if a is not None)
            assert all(tensor.device.type == device for tensor in one.tensors if tensor is not None)

    check(0, 0, is_ready=False)
    ahead.load_ahead(1, plan[2:4], 0.1)
    check(1, 2, is_ready=True)
    ahead.load_ahead(2, plan[4:6], 0.2)
    check(5, 4, is_ready=False)  # another step than expected
    check(2, 4, is_ready=False)


def test_on_a_cpu_nothing_is_read_ahead(tmp_path: Path) -> None:
    shard = write_shard(tmp_path, [([Rendered([7] * 64, [], 0)], [])], vocab_size=50, unknown_id=1, fingerprint="")
    batches = WindowBatches(shard, 16, 32, 0)
    objective = CountingObjective(0.2, 0.2, 4, 50, [0, 1, 2, 3, 4])
    job = TrainingJob("job", torch.nn.Linear(1, 1), objective, batches, None, PretrainSettings(), 0.1, 3)
    StepLoader(job, torch.device("cpu")).load_ahead(1, batches.plan(0), 0.0)
    assert objective.prepared == 0
