from __future__ import annotations

import torch

from penjing.train.batches import Batch
from penjing.train.objectives.denoising import DenoisingObjective

MASK, PAD = 4, 0


def test_half_of_the_damage_is_left_out_and_half_masked_and_all_is_written() -> None:
    ids = torch.arange(5, 105).repeat(8, 1)  # all tokens differ, in order
    objective = DenoisingObjective(0.3, MASK, PAD)
    read, shifted, written = objective.prepare(Batch(ids, None, None), torch.Generator().manual_seed(0), 0.0).tensors
    assert read is not None
    assert shifted is not None
    assert read.shape == (8, 85)
    assert (read == MASK).sum(dim=1).tolist() == [15] * 8
    for row in read.tolist():
        kept = [token for token in row if token != MASK]
        assert kept == sorted(kept)  # the order stays
    assert len({tuple(row) for row in read.tolist()}) == 8
    assert written is not None
    assert torch.equal(written, ids)
    assert torch.equal(shifted, torch.cat([torch.full((8, 1), PAD), ids[:, :-1]], dim=1))
