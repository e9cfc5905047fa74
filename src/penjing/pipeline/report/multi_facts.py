"""What the report of a model of several tasks is made of: plain JSON values, checked."""

from __future__ import annotations

from penjing.pipeline.report.answer_facts import AnswerReportFacts
from penjing.pipeline.report.facts import Facts, ReportFacts, RunFacts, TokenCounts
from penjing.pipeline.report.writing_facts import WritingReportFacts


class PartFacts(Facts):
    """One of the tasks.

    Attributes:
        template: how it is asked.
        share: of what was learned from.
        rows: of each split.
        rows_an_epoch: training rows that were learned from in an epoch.
        validation_loss: of the weights that were kept, nats a prediction; None without validation rows.
        max_target_tokens: the longest text that it learned to write.
        alone: what the report would say of it if it stood alone.
    """

    template: str
    share: float
    rows: dict[str, int]
    rows_an_epoch: int
    validation_loss: float | None = None
    max_target_tokens: int
    alone: ReportFacts | WritingReportFacts | AnswerReportFacts


class MultiReportFacts(RunFacts):
    """What the report of a model of several tasks says beyond that of any run.

    Attributes:
        task: name of the task.
        parts: by name.
        between: training rows that were left out, for another part is measured on their text, or on a text in it.
        tokens: how texts became tokens.
    """

    task: str
    parts: dict[str, PartFacts]
    between: int
    tokens: TokenCounts
