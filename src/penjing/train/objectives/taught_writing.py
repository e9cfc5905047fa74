"""Writing beside a teacher: guess each token, and how probable a larger model finds every other one in its place."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from penjing.train.objectives.taught import TaughtObjective
from penjing.train.objectives.writing import WritingObjective
from penjing.train.taught_scores import Taught, taught_cross_entropy


class TaughtWritingObjective(TaughtObjective[WritingObjective]):
    """Learn tokens and, beside them, the softened probabilities of a teacher; see `taught_cross_entropy`.

    Args:
        learned: how tokens are learned.
        teacher: a network that writes with the same tokens, where the other computes.
        temperature: scores are divided by it; the higher, the more the tokens count that are not the likeliest.
        weight: share of the teacher's part.
    """

    def __init__(self, learned: WritingObjective, teacher: nn.Module, temperature: float, weight: float) -> None:
        super().__init__(learned, teacher)
        self._taught = Taught(temperature, weight, learned.smoothing)

    def _loss_beside(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        layer, targets = self._learned.read(network, *tensors)
        with torch.no_grad():
            theirs, _ = self._learned.read(self._teacher, *tensors)
        return taught_cross_entropy(layer, theirs, targets, self._taught)
