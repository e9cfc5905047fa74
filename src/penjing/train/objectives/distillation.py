"""Distillation: guess the label of a row, and beside it what teachers say of the row."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from penjing.train.batches import Batch
from penjing.train.objective import Prepared
from penjing.train.objectives.classification import ClassificationObjective


class DistillationObjective:
    """Learn labels and, beside them, the softened probabilities of teachers.

    Hinton, Vinyals & Dean 2015, arXiv 1503.02531, section 2: the loss of a row is (1 - w) times that of its true label
    plus w T² times the Kullback-Leibler divergence of the student's probabilities at temperature T from those of the
    teachers, which are averaged; T² keeps the gradients of both parts of like size whatever T is. The divergence is the
    paper's cross-entropy less a constant, so it is 0 where the student says what its teachers do. A row without a label
    has the second part only. Rows that teachers have not seen, those of validation, have the loss of the label alone.

    Args:
        learned: how labels are learned; it says what probabilities are.
        temperature: logits are divided by it; the higher, the more the labels count that a teacher does not give.
        weight: share of the teachers' part.
    """

    scores_vocabulary = False

    def __init__(self, learned: ClassificationObjective, temperature: float, weight: float) -> None:
        self._learned, self._temperature, self._weight = learned, temperature, weight
        self.added_ids = learned.added_ids

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.labels is not None
        prepared = self._learned.prepare(replace(batch, labels=batch.labels.clamp(min=0)), generator, done)
        is_labelled = batch.labels >= 0
        return Prepared((*prepared.tensors, is_labelled, batch.taught), prepared.targets, prepared.tokens)

    def compile(self, device: torch.device) -> None:
        """A few labels are scored: there is nothing to gain."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        *own, labelled, taught = tensors
        if taught is None:
            return self._learned.loss(network, *own)
        logits, labels, smoothing = self._learned.answer(network, *own)
        is_labelled = cast("Tensor", labelled)
        true, right = self._learned.compare(logits[is_labelled], labels[is_labelled], smoothing)
        soft = self._learned.imitate(logits, taught, self._temperature)
        return (1.0 - self._weight) * true + self._weight * self._temperature**2 * soft, right
