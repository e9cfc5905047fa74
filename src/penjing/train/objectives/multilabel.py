"""Multi-label classification: guess for each label by itself whether it applies to a row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from penjing.train.batches import Batch
from penjing.train.objective import Prepared
from penjing.train.objectives.classification import ClassificationObjective


class MultilabelObjective(ClassificationObjective):
    """Guess each label by binary cross-entropy, the mean over labels, added up over rows.

    A row counts as right where all labels are: those with a probability of a half or more.

    Args:
        sets: the labels of each set; a batch's labels are numbers of sets.
        outputs: how many labels there are.
        label_smoothing: see `ClassificationObjective`; targets are then half of it away from 0 and 1.
        token_dropout: see `ClassificationObjective`.
        mask_id: see `ClassificationObjective`.
        special_ids: see `ClassificationObjective`.
    """

    def __init__(
        self,
        sets: Sequence[Sequence[int]],
        outputs: int,
        label_smoothing: float = 0.0,
        token_dropout: float = 0.0,
        mask_id: int = 0,
        special_ids: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(label_smoothing, token_dropout, mask_id, special_ids)
        self._sets, self._outputs = sets, outputs

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.labels is not None
        prepared = super().prepare(batch, generator, done)
        targets = torch.zeros(len(batch.labels), self._outputs)  # [batch, labels]
        for row, number in enumerate(batch.labels.tolist()):
            targets[row, list(self._sets[number])] = 1.0
        return Prepared((*prepared.tensors[:-1], targets), prepared.targets, prepared.tokens)

    def compare(self, logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        targets = labels * (1.0 - smoothing) + smoothing / 2.0 if smoothing else labels
        loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(dim=-1).sum()
        return loss, ((logits >= 0.0) == (labels > 0.5)).all(dim=-1).sum()

    def imitate(self, logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
        """As for one label, with a divergence of each label by itself, their mean over labels, added up over rows."""
        wanted = (taught.to(logits.dtype) / temperature).sigmoid().mean(dim=1)
        given = torch.stack((logits / temperature, -logits / temperature), dim=-1)  # yes and no, [batch, labels, 2]
        both = torch.stack((wanted, 1.0 - wanted), dim=-1)
        return F.kl_div(F.logsigmoid(given), both, reduction="none").sum(dim=-1).mean(dim=-1).sum()
