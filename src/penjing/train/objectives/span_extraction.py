"""Span extraction: find where in a text an answer begins and ends."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from penjing.train.batches import Batch
from penjing.train.objective import Prepared, count_tokens


class SpanExtractionObjective:
    """Guess the first and the last token of an answer by cross-entropy (Devlin et al. 2019, section 4.2 and 4.3).

    Both are chosen among the tokens of the text and the start token of the row, which stands for "not here"; the loss
    of a row is the mean of both. A row counts as right where both are.
    """

    scores_vocabulary = False
    added_ids = torch.empty(0, dtype=torch.int64)

    def prepare(self, batch: Batch, generator: torch.Generator, done: float) -> Prepared:
        assert batch.spans is not None
        return Prepared((batch.ids, batch.mask, batch.token_types, batch.spans), len(batch.spans), count_tokens(batch))

    def compile(self, device: torch.device) -> None:
        """Two numbers are scored for a token: there is nothing to gain."""

    def loss(self, network: nn.Module, *tensors: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.compare(open_logits(network, *tensors), cast("Tensor", tensors[-1]))

    def compare(self, logits: Tensor, spans: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the summed loss of logits [batch, time, 2] against spans [batch, 2], and how many rows are right."""
        loss = F.cross_entropy(logits, spans, reduction="sum") / 2
        return loss, (logits.argmax(dim=1) == spans).all(dim=1).sum()


def open_logits(network: nn.Module, *tensors: Tensor | None) -> Tensor:
    """Returns how a network scores each place as the first and as the last of an answer, float32 [batch, time, 2].

    Args:
        network: a `SpanScorer`.
        tensors: as `SpanExtractionObjective` prepares them. Places at which no answer may be are at minus infinity.
    """
    ids, mask, token_types, _ = cast("tuple[Tensor, Tensor | None, Tensor, Tensor]", tensors)
    return close_question(network(ids, mask, token_type_ids=token_types).float(), token_types, mask)


def close_question(logits: Tensor, token_types: Tensor, mask: Tensor | None) -> Tensor:
    """Returns logits [batch, time, 2] with those of the question, the padding and the last token at minus infinity.

    Args:
        logits: of every token.
        token_types: 1 or more for the tokens of the text and the end token after them, int64 [batch, time].
        mask: true where a token is real, bool [batch, time]; None where nothing is padding.
    """
    is_text = token_types >= 1
    if mask is not None:
        is_text = is_text & mask
    after = F.pad(is_text[:, 1:], (0, 1))
    is_open = is_text & after  # the last of the text is an end token
    is_open[:, 0] = True
    return logits.masked_fill(~is_open[:, :, None], -torch.inf)
