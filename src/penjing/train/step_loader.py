"""What a step of training reads, ready on the device; on a GPU one step ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from penjing.train.job import TrainingJob
from penjing.train.objective import Prepared


class StepLoader:
    """Reads the batches of a step and chooses their targets; while a GPU computes a step, those of the next.

    What comes of a step follows from the seed and the step's number, so it is the same whenever it is prepared.

    Args:
        job: whose batches are read.
        device: where the tensors go.
    """

    def __init__(self, job: TrainingJob, device: torch.device) -> None:
        self._batches, self._objective, self._seed, self._device = job.batches, job.objective, job.seed, device
        self._looks_ahead = device.type != "cpu"
        self._ahead: tuple[int, list[Prepared]] | None = None

    def load(self, step: int, group: Sequence[NDArray[np.int64]], done: float) -> list[Prepared]:
        """Returns what a step reads, on the device.

        Args:
            step: steps taken before it.
            group: the rows of each of its batches.
            done: share of the run that is done.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == step:
            return ahead[1]
        generator = torch.Generator().manual_seed((self._seed << 32) + step)
        prepared = [self._objective.prepare(self._batches.load(rows), generator, done) for rows in group]
        return prepared if self._device.type == "cpu" else [self._copy(part) for part in prepared]

    def load_ahead(self, step: int, group: Sequence[NDArray[np.int64]], done: float) -> None:
        """Does that already for the next step, where the device computes the present one by itself: on a GPU."""
        if self._looks_ahead:
            self._ahead = step, self.load(step, group, done)

    def _copy(self, prepared: Prepared) -> Prepared:
        # From memory that does not move, the copy goes on while this process does.
        pinned = [None if tensor is None else tensor.pin_memory() for tensor in prepared.tensors]
        tensors = tuple(None if tensor is None else tensor.to(self._device, non_blocking=True) for tensor in pinned)
        return Prepared(tensors, prepared.targets, prepared.tokens)
