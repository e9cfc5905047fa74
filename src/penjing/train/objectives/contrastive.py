"""Contrast: bring the vectors of rows of one class together, and keep those of other classes apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.train.batches import Batch
from penjing.train.objective import Prepared, count_tokens

if TYPE_CHECKING:
    from penjing.models.interface import VectorClassifier

#: Cosines of rows, and whether two are of one class, both [batch, batch] → the loss of each row, [batch].
Comparison: TypeAlias = Callable[[Tensor, Tensor], Tensor]
_ROWS_AT_ONCE = 8


class ContrastiveObjective:
    """Learn vectors of which those near each other are of one class; the head has no part in it.

    Every row of a batch is compared with every other. The number of right predictions is that of the rows whose nearest
    other row is of their class.

    Args:
        comparison: what is lost by how rows lie to each other.
    """

    scores_vocabulary = False
    added_ids = torch.empty(0, dtype=torch.int64)

    def __init__(self, comparison: Comparison) -> None:
        self._compare = comparison

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.labels is not None
        return Prepared((batch.ids, batch.mask, batch.labels), len(batch.labels), count_tokens(batch))

    def compile(self, device: torch.device) -> None:
        """A few rows are compared: there is nothing to gain."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        ids, mask, labels = cast("tuple[Tensor, Tensor | None, Tensor]", tensors)
        vectors = F.normalize(_pool_by_length(cast("VectorClassifier", network), ids, mask).float(), dim=-1)
        cosines = vectors @ vectors.T
        nearest = labels[_hide_own(cosines.detach()).argmax(dim=1)]
        return self._compare(cosines, labels[:, None] == labels).sum(), (nearest == labels).sum()


def _pool_by_length(network: VectorClassifier, ids: Tensor, mask: Tensor | None) -> Tensor:
    """Returns the vectors of rows [batch, dim], a few of like length at a time: rows of a class are of any length."""
    if mask is None:
        return network.pool(ids)
    lengths = mask.sum(dim=1)
    order = lengths.argsort(stable=True)
    parts = []
    for start in range(0, len(order), _ROWS_AT_ONCE):
        rows = order[start : start + _ROWS_AT_ONCE]
        longest = int(lengths[rows[-1]])
        parts.append(network.pool(ids[rows, :longest], mask[rows, :longest]))
    return torch.cat(parts)[order.argsort()]


def compare_by_supervision(temperature: float) -> Comparison:
    """Returns the comparison by supervised contrast: each row of the same class should be the likeliest neighbor.

    Khosla et al. 2020, arXiv 2004.11362, eq. 2. A row without another of its class has no loss.

    Args:
        temperature: cosines are divided by it; the lower, the more the nearest rows decide.
    """

    def compare(cosines: Tensor, is_same: Tensor) -> Tensor:
        scores = _hide_own(cosines / temperature).log_softmax(dim=1)
        others = is_same & ~_own(cosines)
        return -scores.masked_fill(~others, 0.0).sum(dim=1) / others.sum(dim=1).clamp(min=1)

    return compare


def compare_by_cosine(cosines: Tensor, is_same: Tensor) -> Tensor:
    """Compares by cosine: 1 is wanted for two rows of a class and 0 for others; the mean squared error of each row.

    The loss of SetFit (Tunstall et al. 2022, arXiv 2209.11055, section 3), over all pairs of a batch.
    """
    errors = (cosines - is_same.to(cosines.dtype)).square().masked_fill(_own(cosines), 0.0)
    return errors.sum(dim=1) / max(1, len(cosines) - 1)


def _own(cosines: Tensor) -> Tensor:
    """Returns where a row meets itself, [batch, batch]."""
    return torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)


def _hide_own(scores: Tensor) -> Tensor:
    return scores.masked_fill(_own(scores), torch.finfo(scores.dtype).min)
