"""What the report of a model that finds answers is made of: plain JSON values, checked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from penjing.pipeline.report.facts import Facts, Figure, RunFacts, TokenCounts


class AnswerScores(BaseModel):
    """What `penjing.tasks.task.SpanTask.score` returns; other keys are not looked at.

    Attributes:
        rows: how many answers were measured.
        scores: name → value with its interval.
        signature: score → whose rules were followed.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    scores: dict[str, Figure]
    signature: dict[str, str] = {}


class Part(Facts):
    """A piece of a text, and whether it is of the reference and of the answer."""

    text: str
    is_truth: bool
    is_answer: bool


class ShownAnswer(Facts):
    """An answer in its text; see `penjing.evaluate.answers.show_answer`."""

    question: str
    truth: list[str]
    answer: str
    probability: float
    parts: list[Part]


class AnswerEvaluation(AnswerScores):
    """The model's scores, and beside them those of the baselines on the same questions.

    Attributes:
        best_by: the score that comes first.
        baselines: name → scores.
        teachers: number → scores of the model that this one learned from.
        difference: name → score → that of the model less that of the baseline.
        worst: the answers that are least like their references.
        samples: some answers, good or bad.
        unanswerable: questions that their text does not answer.
        refused: questions that the model left unanswered.
    """

    best_by: str
    baselines: dict[str, AnswerScores] = {}
    teachers: dict[str, AnswerScores] = {}
    difference: dict[str, dict[str, Figure]] = {}
    worst: list[ShownAnswer] = []
    samples: list[ShownAnswer] = []
    unanswerable: int = 0
    refused: int = 0


class QuestionCounts(Facts):
    """Counts of questions.

    Attributes:
        read: source files → questions read.
        splits: split → questions.
        documents: split → documents.
        removed: reason → questions left out; see `penjing.pipeline.report.facts.DataCounts`.
        references: what was found of the answers → how many.
    """

    read: dict[str, int]
    splits: dict[str, int]
    documents: dict[str, int]
    removed: dict[str, int]
    references: dict[str, int]


class WrittenFacts(Facts):
    """How a model writes its answers.

    Attributes:
        template: how it is asked.
        max_target_tokens: the longest answer that it learned to write.
        not_learned: training and validation questions whose answer is not in what is read of their text.
        beams: how many beginnings of an answer are kept.
    """

    template: str
    max_target_tokens: int
    not_learned: int
    beams: int


class AnswerReportFacts(RunFacts):
    """What the report of a model that answers questions says beyond that of any run.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines.
        threshold: by how much an answer must outweigh "not in the text"; None: every question is answered.
        data: counts of questions.
        tokens: how questions and texts became tokens.
        windows: how many windows the texts were read in; of a model that writes, the rows that it read.
        written: how answers are written; None where they are found in texts.
    """

    task: str
    evaluation: AnswerEvaluation
    threshold: float | None = None
    data: QuestionCounts
    tokens: TokenCounts
    windows: int
    written: WrittenFacts | None = None
