"""Span extraction beside a teacher: find both ends of an answer, and how likely a larger model finds other places."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from penjing.train.objectives.span_extraction import SpanExtractionObjective, open_logits
from penjing.train.objectives.taught import TaughtObjective


class TaughtSpanObjective(TaughtObjective[SpanExtractionObjective]):
    """Learn both ends of an answer and, beside them, the softened probabilities of a teacher.

    Sanh et al. 2019 (DistilBERT, arXiv 1910.01108, section 3), after Hinton, Vinyals & Dean 2015, arXiv 1503.02531: for
    each end (1 - w) times the cross-entropy plus w T² times the Kullback-Leibler divergence, over the places at which
    an answer may begin or end, of the probabilities at temperature T from those of the teacher.

    Args:
        learned: how answers are learned.
        teacher: a network that scores both ends, with the same tokens, where the other computes.
        temperature: scores are divided by it.
        weight: share of the teacher's part.
    """

    def __init__(self, learned: SpanExtractionObjective, teacher: nn.Module, temperature: float, weight: float) -> None:
        super().__init__(learned, teacher)
        self._temperature, self._weight = temperature, weight

    def _loss_beside(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        logits = open_logits(network, *tensors)
        with torch.no_grad():
            theirs = open_logits(self._teacher, *tensors)
        loss, right = self._learned.compare(logits, cast("Tensor", tensors[-1]))
        apart = _diverge(logits / self._temperature, theirs / self._temperature)
        return (1 - self._weight) * loss + self._weight * self._temperature**2 * apart / 2, right


def _diverge(logits: Tensor, theirs: Tensor) -> Tensor:
    """Returns how far probabilities [batch, time, 2] over time are from a teacher's, summed over rows and ends."""
    is_open = theirs > -torch.inf
    log_wanted, log_shares = (scores.log_softmax(dim=1).masked_fill(~is_open, 0) for scores in (theirs, logits))
    return (log_wanted.exp() * is_open * (log_wanted - log_shares)).sum()
