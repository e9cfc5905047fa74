"""What a run came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penjing.inference.continuing import Generation
from penjing.pipeline.stage import Artifact
from penjing.tasks.prediction import Prediction


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        artifacts: the stages, by name.
        evaluation: scores, baselines and mistakes on the test rows.
        predictions: the model's answers to the recipe's examples.
        command: makes the run again.
        parts: of a model of several tasks, the answers of each to its own examples.
    """

    artifacts: dict[str, Artifact]
    evaluation: dict[str, Any]
    predictions: Sequence[Prediction]
    command: str
    parts: Mapping[str, Sequence[Prediction]] = field(default_factory=dict)


@dataclass(frozen=True)
class LanguageOutcome:
    """What the run of a language model came to.

    Attributes:
        artifacts: the stages, by name.
        measures: scores and baselines on the test texts; empty where nothing was measured.
        generations: how the model goes on from the recipe's examples.
        command: makes the run again.
    """

    artifacts: dict[str, Artifact]
    measures: dict[str, Any]
    generations: list[Generation]
    command: str
