"""What is explained: the log-odds of a label."""

from __future__ import annotations

import torch
from torch import Tensor


def log_odds(logits: Tensor, label: int) -> Tensor:
    """Returns log p / (1 - p) of a label for each row, [rows], from logits [rows, labels].

    Unlike the probability it has no flat ends, where gradients vanish.
    """
    others = torch.cat([logits[:, :label], logits[:, label + 1 :]], dim=1)
    return logits[:, label] - others.logsumexp(dim=1)
