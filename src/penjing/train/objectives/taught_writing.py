"""Writing beside a teacher: guess each token, and how probable a larger model finds every other one in its place."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.objective import Prepared
from penjing.train.objectives.writing import WritingObjective
from penjing.train.taught_scores import Taught, taught_cross_entropy


class TaughtWritingObjective:
    """Learn tokens and, beside them, the softened probabilities of a teacher; see `taught_cross_entropy`.

    The teacher reads each batch with the network that learns, in the same precision, without dropout and without a
    gradient. What is measured without one, the validation rows, has the loss of the tokens alone.

    Args:
        learned: how tokens are learned.
        teacher: a network that writes with the same tokens, where the other computes.
        temperature: scores are divided by it; the higher, the more the tokens count that are not the likeliest.
        weight: share of the teacher's part.
    """

    scores_vocabulary = True

    def __init__(self, learned: WritingObjective, teacher: nn.Module, temperature: float, weight: float) -> None:
        self._learned, self._teacher = learned, teacher.eval().requires_grad_(False)
        self._taught = Taught(temperature, weight, learned.smoothing)
        self.added_ids = learned.added_ids

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        return self._learned.prepare(batch, generator, done)

    def compile(self, device: torch.device) -> None:
        """Rows have many lengths: each would be compiled by itself."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        if not torch.is_grad_enabled():
            return self._learned.loss(network, *tensors)
        layer, targets = self._learned.read(network, *tensors)
        with torch.no_grad():
            theirs, _ = self._learned.read(self._teacher, *tensors)
        return taught_cross_entropy(layer, theirs, targets, self._taught)
