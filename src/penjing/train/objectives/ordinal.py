"""Ordinal classification: guess the place of a row's label among labels in order."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from penjing.models.ranked import rank_log_probabilities
from penjing.train.objectives.classification import ClassificationObjective


class OrdinalObjective(ClassificationObjective):
    """Guess the place of a label by CORN (Shi, Cao & Raschka 2023, arXiv 2111.08851, eq. 6).

    Its sum of binary cross-entropies, each over the rows whose label the logit is asked about, is the negative
    log-probability of the label, added up over the rows: log σ for each place passed, log (1 - σ) where it stays. The
    paper divides by the number of binary questions; here, as everywhere, the trainer divides by the number of rows.
    The label that counts as the answer is the median, as in the paper (eq. 5).
    """

    def compare(self, logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        scores = self.score_labels(logits)
        loss = F.cross_entropy(scores, labels, reduction="sum", label_smoothing=smoothing)
        is_below = scores.detach().exp().cumsum(dim=-1)[:, :-1] < 0.5
        return loss, (is_below.sum(dim=-1) == labels).sum()

    def score_labels(self, logits: Tensor) -> Tensor:
        return rank_log_probabilities(logits)
