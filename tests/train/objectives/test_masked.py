from __future__ import annotations

import pytest
import torch

from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED
from penjing.train.objectives.masked import MaskedObjective

MASK, SPECIAL = 4, frozenset(range(5))


@pytest.mark.parametrize(("first", "last"), [(0.4, 0.1), (0.1, 0.4)])
def test_mask_rate_changes_evenly_and_shapes_do_not(first: float, last: float) -> None:
    ids = torch.randint(5, 90, (6, 100), generator=torch.Generator().manual_seed(1))
    objective = MaskedObjective(first, last, MASK, 90, SPECIAL)
    for done in (0.0, 0.5, 1.0):
        prepared = objective.prepare(Batch(ids, None, None), torch.Generator().manual_seed(0), done)
        inputs, _, _, positions, targets = prepared.tensors
        assert inputs is not None
        assert positions is not None
        assert targets is not None
        assert positions.shape == targets.shape == (6 * 40,)
        guessed = round(100 * (first + done * (last - first)))
        assert prepared.targets == int((targets != IGNORED).sum()) == 6 * guessed
        untouched = torch.ones(600, dtype=torch.bool).index_fill(0, positions[targets != IGNORED], False)
        assert torch.equal(inputs.flatten()[untouched], ids.flatten()[untouched])
