"""What the report of a model with any number of labels a text is made of: plain JSON values, checked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from penjing.pipeline.report.compared import ComparedScores
from penjing.pipeline.report.facts import Facts, Figure, RunFacts, TokenCounts


class LabelFigures(Facts):
    """The figures of one label, None where one is not defined; ``support`` is its number of test rows.

    ``ece``, and the confusion matrix, ``true_positives`` and so on, are None where an earlier version measured.
    """

    precision: Figure | None
    recall: Figure | None
    f1: Figure | None
    auroc: Figure | None
    ece: Figure | None = None
    support: int
    true_positives: int | None = None
    false_positives: int | None = None
    false_negatives: int | None = None
    true_negatives: int | None = None


class WrongSet(Facts):
    """A test row whose labels the model got wrong."""

    text: str
    truth: tuple[str, ...]
    labels: tuple[str, ...]


class MultilabelEvaluation(ComparedScores):
    """The model's scores, and beside them those of the baselines on the same rows.

    Attributes:
        threshold: a label was given from this probability on.
        per_label: label → its figures.
        mistakes: the furthest from the truth first.
    """

    threshold: float
    per_label: dict[str, LabelFigures]
    mistakes: tuple[WrongSet, ...] = ()


class SetAnswer(BaseModel):
    """An answer of the finished model."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    labels: tuple[str, ...]
    probabilities: dict[str, float]


class SetCounts(Facts):
    """Counts of rows with labels.

    Attributes:
        read: source files → rows read.
        splits: split → label → rows that have it.
        rows: split → rows.
        without: split → rows without a label.
        removed: reason → rows left out; see `penjing.pipeline.report.facts.DataCounts`.
    """

    read: dict[str, int]
    splits: dict[str, dict[str, int]]
    rows: dict[str, int]
    without: dict[str, int]
    removed: dict[str, int]


class MultilabelReportFacts(RunFacts):
    """What the report of a model with any number of labels a text says beyond that of any run.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines.
        answers: of the finished model, shown at the top.
        data: counts of rows with labels.
        tokens: how texts became tokens.
    """

    task: str
    evaluation: MultilabelEvaluation
    answers: tuple[SetAnswer, ...] = ()
    data: SetCounts
    tokens: TokenCounts
