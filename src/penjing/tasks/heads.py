"""How many outputs a network needs to score labels, and how they become one score a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from penjing.models.ranked import RankedClassifier
from penjing.tasks.task import Answers


@dataclass(frozen=True)
class ScoringHead:
    """What stands between a network's outputs and labels.

    Attributes:
        outputs: how many labels → how many outputs.
        scoring: a network with those outputs → one that gives a logit a label.
    """

    outputs: Callable[[int], int]
    scoring: Callable[[nn.Module], nn.Module]


HEADS: Mapping[Answers, ScoringHead] = {
    "label": ScoringHead(lambda labels: labels, lambda network: network),
    "set": ScoringHead(lambda labels: labels, lambda network: network),
    "rank": ScoringHead(lambda labels: labels - 1, RankedClassifier),
}
