"""What is explained: the log-odds of a label."""

from __future__ import annotations

import torch
from torch import Tensor

from penjing.tasks.classify import softmax
from penjing.tasks.multilabel import sigmoid
from penjing.tasks.task import Probabilities


def log_odds(logits: Tensor, label: int, *, asks_each: bool = False) -> Tensor:
    """Returns log p / (1 - p) of a label for each row, [rows], from logits [rows, labels].

    Unlike the probability it has no flat ends, where gradients vanish. Where labels are asked one by one, it is the
    logit.

    Args:
        logits: of each label, [rows, labels].
        label: number of one.
        asks_each: whether each label applies or not, whatever the others do.
    """
    if asks_each:
        return logits[:, label]
    others = torch.cat([logits[:, :label], logits[:, label + 1 :]], dim=1)
    return logits[:, label] - others.logsumexp(dim=1)


def chances(logits: Probabilities, *, asks_each: bool) -> Probabilities:
    """Returns the probability of each label, [rows, labels], from logits likewise; see `log_odds`."""
    return sigmoid(logits) if asks_each else softmax(logits)
