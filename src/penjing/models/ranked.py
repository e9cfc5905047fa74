"""Labels in order from one logit less than there are labels (CORN)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def rank_log_probabilities(logits: Tensor) -> Tensor:
    """Returns the log-probabilities of K labels in order, [..., K], from K - 1 logits, [..., K - 1].

    The k-th logit says whether the label lies above the k-th, if it does not lie below:
    P(y > k) = P(y > k | y ≥ k) · P(y ≥ k) with P(y > k | y ≥ k) = σ(logit), so that P(y > k) falls with k whatever the
    logits are, and P(y = k) = P(y ≥ k) - P(y > k) is never negative (CORN: Shi, Cao & Raschka 2023, arXiv 2111.08851,
    eq. 3 and 4).
    """
    reached = F.pad(F.logsigmoid(logits).cumsum(dim=-1), (1, 0))  # log P(y ≥ k), [..., K]
    stays = F.pad(F.logsigmoid(-logits), (0, 1))  # log P(y ≤ k | y ≥ k); the last label is above nothing
    return reached + stays


class RankedClassifier(nn.Module):
    """A classifier of K labels in order, made of one with K - 1 outputs; its logits are log-probabilities.

    Args:
        network: see `penjing.models.interface.Classifier`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @property
    def backbone(self) -> nn.Module:
        backbone = self.network.backbone
        assert isinstance(backbone, nn.Module)
        return backbone

    @property
    def input_embeddings(self) -> nn.Embedding:
        embeddings = self.network.input_embeddings
        assert isinstance(embeddings, nn.Embedding)
        return embeddings

    def forward(
        self, ids: Tensor | None, attention_mask: Tensor | None = None, *, inputs_embeds: Tensor | None = None
    ) -> Tensor:
        """Returns log-probabilities [batch, labels]; see `penjing.models.interface.Classifier`."""
        logits = self.network(ids, attention_mask, inputs_embeds=inputs_embeds)
        return rank_log_probabilities(logits.to(torch.promote_types(logits.dtype, torch.float32)))
