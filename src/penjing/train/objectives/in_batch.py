"""In-batch softmax: guess the next item among those that are next somewhere in the batch."""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.models.interface import OutputLayer
from penjing.train.batches import Batch
from penjing.train.cross_entropy import IGNORED, output_cross_entropy
from penjing.train.objective import Prepared, count_tokens


class TowerModel(Protocol):
    """What the objective asks of a network."""

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor: ...

    def item_vectors(self, numbers: Tensor | None = None) -> Tensor: ...

    def rank_by(self, hidden: Tensor, vectors: Tensor) -> OutputLayer: ...

    def output_layer(self, hidden: Tensor) -> OutputLayer: ...


class InBatchObjective:
    """Guess each next item among all that are next in the batch; validation asks for it among all items.

    Popular items are in more batches, and so are wrong answers more often: of each score the logarithm of the chance to
    be in the batch is taken off (Bengio & Senécal 2008; Yi et al. 2019, eq. 4).

    Args:
        counts: training events of each item, number 0 among them, [items + 1].
    """

    scores_vocabulary = True
    added_ids = torch.empty(0, dtype=torch.int64)

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self._shares = torch.from_numpy(counts / max(1, counts.sum()))

    def compile(self, device: torch.device) -> None:
        """Batches have many lengths: each would be compiled by itself."""

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.written is not None
        targets = int((batch.written != IGNORED).sum())
        return Prepared((batch.ids, batch.mask, batch.written), targets, count_tokens(batch))

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        ids, mask, written = cast("tuple[Tensor, Tensor | None, Tensor]", tensors)
        model = cast("TowerModel", network)
        is_target = written != IGNORED
        hidden, wanted = model.encode(ids, mask)[is_target], written[is_target]  # [n, dim], [n]
        if not network.training:
            return output_cross_entropy(model.output_layer(hidden), wanted)
        items, places = wanted.unique(return_inverse=True)  # type: ignore[no-untyped-call]
        scores = F.linear(*model.rank_by(hidden, model.item_vectors(items))).float()  # [n, items]
        corrected = scores - self._log_chance(items, len(wanted))
        loss = F.cross_entropy(corrected, places, reduction="sum")
        return loss, (corrected.argmax(dim=-1) == places).sum()

    def _log_chance(self, items: Tensor, draws: int) -> Tensor:
        """Returns the logarithm of the chance of items to be among so many draws by popularity, [items]."""
        shares = self._shares.to(items.device)[items]
        return torch.log(-torch.expm1(draws * torch.log1p(-shares))).float()
