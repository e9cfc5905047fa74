"""Labelled rows, and rows without a label, each with what teachers say of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from penjing.train.batches import Batch, RowBatches


class TaughtBatches:
    """Batches whose rows have been shown to teachers.

    Args:
        rows: the batches; a row without a label has the class -1.
        logits: of each row by each teacher, [rows, teachers, labels].
    """

    def __init__(self, rows: RowBatches, logits: NDArray[np.float32]) -> None:
        self._rows, self._logits = rows, logits

    @property
    def has_one_shape(self) -> bool:
        return False

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        return self._rows.plan(epoch)

    def load(self, rows: NDArray[np.int64]) -> Batch:
        return replace(self._rows.load(rows), taught=torch.from_numpy(np.ascontiguousarray(self._logits[rows])))

    def used_ids(self) -> Tensor | None:
        return self._rows.used_ids()
