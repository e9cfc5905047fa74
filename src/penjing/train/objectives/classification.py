"""Classification: guess the label of a row."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.train.batches import Batch
from penjing.train.objective import Prepared, count_tokens


class ClassificationObjective:
    """Guess the label of a row by cross-entropy.

    Args:
        label_smoothing: share of the target spread over all labels (Szegedy et al. 2016, arXiv 1512.00567).
        token_dropout: share of the tokens that training does not see (Iyyer et al. 2015, word dropout).
        mask_id: stands in the place of those.
        special_ids: always seen.
    """

    scores_vocabulary = False

    def __init__(
        self,
        label_smoothing: float = 0.0,
        token_dropout: float = 0.0,
        mask_id: int = 0,
        special_ids: frozenset[int] = frozenset(),
    ) -> None:
        self._label_smoothing, self._token_dropout, self._mask_id = label_smoothing, token_dropout, mask_id
        self._special = torch.tensor(sorted(special_ids), dtype=torch.int64)
        self.added_ids = torch.tensor([mask_id] if token_dropout else [], dtype=torch.int64)

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.labels is not None
        thinned = self._thin(batch.ids, generator) if self._token_dropout else batch.ids
        return Prepared((batch.ids, thinned, batch.mask, batch.labels), len(batch.labels), count_tokens(batch))

    def _thin(self, ids: Tensor, generator: torch.Generator) -> Tensor:
        dropped = torch.rand(ids.shape, generator=generator) < self._token_dropout
        return ids.masked_fill(dropped & ~torch.isin(ids, self._special), self._mask_id)

    def compile(self, device: torch.device) -> None:
        """A few labels are scored: there is nothing to gain."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.compare(*self.answer(network, *tensors))

    def answer(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor, float]:
        """Returns logits [batch, outputs] of a prepared batch, its labels, and how much these are smoothed."""
        ids, thinned, mask, labels = cast("tuple[Tensor, Tensor, Tensor | None, Tensor]", tensors)
        logits = network(thinned if network.training else ids, mask).float()
        return logits, labels, self._label_smoothing if network.training else 0.0

    def compare(self, logits: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        """Returns the summed loss, and how many rows are right, of logits [batch, outputs] and labels [batch]."""
        loss = F.cross_entropy(logits, labels, reduction="sum", label_smoothing=smoothing)
        return loss, (logits.argmax(dim=-1) == labels).sum()

    def imitate(self, logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
        """Returns the summed divergence of probabilities from those of teachers, both at a temperature.

        Args:
            logits: of the student, [batch, outputs].
            taught: a score of each label by each teacher, [batch, teachers, labels]; their probabilities are averaged.
            temperature: what scores are divided by.
        """
        wanted = (taught.to(logits.dtype) / temperature).softmax(dim=-1).mean(dim=1)
        given = (self.score_labels(logits) / temperature).log_softmax(dim=-1)
        return F.kl_div(given, wanted, reduction="sum")

    def score_labels(self, logits: Tensor) -> Tensor:
        """Returns a score of each label, [batch, labels], whose softmax is its probability."""
        return logits
