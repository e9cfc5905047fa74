"""What is learned beside a teacher, which reads each batch with the network that learns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.objective import Objective, Prepared

Learned = TypeVar("Learned", bound=Objective)


class TaughtObjective(ABC, Generic[Learned]):
    """Learn what the rows say and, beside it, what a larger model finds likely.

    The teacher reads each batch with the network that learns, in the same precision, without dropout and without a
    gradient. What is measured without one, the validation rows, has the loss of the rows alone.

    Args:
        learned: how the rows are learned.
        teacher: a network that reads the same tokens, where the other computes.
    """

    def __init__(self, learned: Learned, teacher: nn.Module) -> None:
        self._learned, self._teacher = learned, teacher.eval().requires_grad_(False)
        self.added_ids, self.scores_vocabulary = learned.added_ids, learned.scores_vocabulary

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        return self._learned.prepare(batch, generator, done)

    def compile(self, device: torch.device) -> None:
        """Rows have many lengths: each would be compiled by itself."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        if not torch.is_grad_enabled():
            return self._learned.loss(network, *tensors)
        return self._loss_beside(network, *tensors)

    @abstractmethod
    def _loss_beside(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns the summed loss beside the teacher, and the number of right guesses."""
