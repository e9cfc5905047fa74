"""What is trained, on what, and how: all a trainer needs but a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from penjing.train.batches import Batches
from penjing.train.objective import Objective
from penjing.train.settings import TrainSettings


@dataclass(frozen=True)
class TrainingJob:
    """A piece of training.

    Attributes:
        name: shown beside the bar.
        network: what is trained, in place.
        objective: what is learned.
        batches: where the batches come from.
        validation: measured now and then to choose the best weights; None: the last weights are kept.
        settings: how to train.
        learning_rate: at its highest.
        seed: decides masks and dropout.
        sample: gives texts that the network writes, to be kept with each evaluation; None: none are.
    """

    name: str
    network: nn.Module
    objective: Objective
    batches: Batches
    validation: Batches | None
    settings: TrainSettings
    learning_rate: float
    seed: int
    sample: Callable[[nn.Module], list[str]] | None = None
