"""What the report of a model that learned from preferences is made of: plain JSON values, checked."""

from __future__ import annotations

from penjing.pipeline.report.compared import ComparedScores
from penjing.pipeline.report.facts import Facts, RunFacts, TokenCounts
from penjing.pipeline.report.writing_facts import Answer, PairCounts


class PreferenceEvaluation(ComparedScores):
    """The model's scores, and beside them those of the baselines on the same pairs.

    Attributes:
        prompts: of the pairs that were measured; None where they were measured before this was counted.
        left_out: test pairs that could not be measured.
        worst: pairs whose other answer has the highest reward above the preferred one; ``written`` is the other.
    """

    prompts: int | None = None
    left_out: int = 0
    worst: tuple[Answer, ...] = ()


class Learned(Facts):
    """How was learned; see `penjing.train.preference_settings.PreferenceSettings`."""

    loss: str
    beta: float
    label_smoothing: float
    likelihood: float


class PreferenceReportFacts(RunFacts):
    """What the report of a model that learned from preferences says beyond that of any run.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines.
        answers: of the finished model, shown at the top.
        data: counts of pairs.
        tokens: how they became tokens.
        left_out: pairs from which nothing is learned.
        learned: how was learned.
    """

    task: str
    evaluation: PreferenceEvaluation
    answers: tuple[Answer, ...] = ()
    data: PairCounts
    tokens: TokenCounts
    left_out: int
    learned: Learned
