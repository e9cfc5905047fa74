"""The shape of a task: the columns it reads, how outputs become predictions, how they are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from penjing.registry import load_registered

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class ClassPrediction:
    """A label for a text.

    Attributes:
        text: what was read.
        label: the most probable one.
        probability: of that label.
        probabilities: of every label.
        cut_tokens: tokens at the end that were not read, because the text is longer than the model's window.
    """

    text: str
    label: str
    probability: float
    probabilities: dict[str, float]
    cut_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


class Baseline(Protocol):
    """A fitted baseline."""

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Returns the probability of each label for each text, [texts, labels]."""


class WritingBaseline(Protocol):
    """A fitted baseline of a task in which a text is written."""

    def write(self, texts: Sequence[str]) -> list[str]:
        """Returns a text for each source; a source that is empty has one too, and it may be empty."""


@dataclass(frozen=True)
class Task:
    """One application.

    Attributes:
        name: as in a recipe.
        heads: for each family of models that can do it, the kind of head.
        label_names: raw value → label, where the task has labels of its own and the recipe names none.
        decode: logits [rows, labels], label names, texts and cut tokens → typed predictions.
        score: true classes [rows], probabilities [rows, labels], label names, resamples, seed → scores with intervals.
        baselines: name → function of training and validation texts and classes and the labels → fitted baseline.
    """

    name: str
    heads: Mapping[str, str]
    label_names: Mapping[str, str] | None
    decode: Callable[[Probabilities, Sequence[str], Sequence[str], Sequence[int]], list[ClassPrediction]]
    score: Callable[[NDArray[np.int64], Probabilities, Sequence[str], int, int], dict[str, Any]]
    baselines: Mapping[str, Callable[..., Baseline]]


def load_task(name: str) -> Task:
    """Returns the task registered under a name.

    Raises:
        UsageError: there is none.
    """
    task: Task = load_registered("tasks", name)
    return task
