"""What the report of a model that writes is made of: plain JSON values, checked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from penjing.pipeline.report.compared import ComparedScores
from penjing.pipeline.report.facts import Facts, RunFacts, TokenCounts


class Answer(BaseModel):
    """A text and what was written to it; ``truth``: what should have been, where that is known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    written: str
    truth: str | None = None


class WritingEvaluation(ComparedScores):
    """The model's scores, and beside them those of the baselines on the same rows.

    Attributes:
        signature: score → how it was computed.
        worst: the answers that are least like what they should be.
        unfinished: answers that the model did not end.
    """

    signature: dict[str, str] = Field(default_factory=dict)
    worst: tuple[Answer, ...] = ()
    unfinished: int = 0


class PairCounts(Facts):
    """Counts of pairs.

    Attributes:
        read: source files → pairs read.
        splits: split → pairs.
        removed: reason → pairs left out; see `penjing.pipeline.report.facts.DataCounts`.
    """

    read: dict[str, int]
    splits: dict[str, int]
    removed: dict[str, int]


class WritingReportFacts(RunFacts):
    """What the report of a model that writes says beyond that of any run.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines.
        answers: of the finished model, shown at the top.
        beams: how many beginnings of an answer were kept.
        data: counts of pairs.
        tokens: how texts became tokens.
        max_target_tokens: the longest text that it learned to write.
    """

    task: str
    evaluation: WritingEvaluation
    answers: tuple[Answer, ...] = ()
    beams: int
    data: PairCounts
    tokens: TokenCounts
    max_target_tokens: int
