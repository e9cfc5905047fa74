from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from penjing.text.renderer import Rendered
from penjing.text.shards import write_shard
from penjing.train.batches import WindowBatches
from penjing.train.job import TrainingJob
from penjing.train.objectives.masked import MaskedObjective
from penjing.train.settings import PretrainSettings
from penjing.train.step_loader import StepLoader

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
def test_what_a_step_reads_is_the_same_whenever_it_is_prepared(device: str, tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(5, 50, 4096).tolist()
    shard = write_shard(tmp_path, [([Rendered(ids, [], 0)], [])], vocab_size=50, unknown_id=1, fingerprint="")
    batches = WindowBatches(shard, 16, 64, 0)
    objective = MaskedObjective(0.2, 0.2, 4, 50, [0, 1, 2, 3, 4])
    job = TrainingJob("job", torch.nn.Linear(1, 1), objective, batches, None, PretrainSettings(), 0.1, 3)
    plan, place = batches.plan(0), torch.device(device)
    ahead, without = StepLoader(job, place), StepLoader(job, place)
    ahead.load_ahead(1, plan[2:4], 0.1)
    ahead.load_ahead(5, plan[4:6], 0.2)  # not asked for next: read again when it is
    for step, first in ((0, 0), (5, 4), (1, 2)):
        group = plan[first : first + 2]
        found, expected = ahead.load(step, group, step / 10), without.load(step, group, step / 10)
        for one, other in zip(found, expected, strict=True):
            assert (one.targets, one.tokens) == (other.targets, other.tokens)
            assert all(torch.equal(a, b) for a, b in zip(one.tensors, other.tensors, strict=True) if a is not None)
            assert all(tensor.device.type == device for tensor in one.tensors if tensor is not None)
