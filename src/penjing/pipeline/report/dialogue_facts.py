"""What the report of a model that replies is made of: plain JSON values, checked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from penjing.pipeline.report.facts import Facts, Figure, RunFacts, TokenCounts
from penjing.pipeline.report.writing_facts import Answer


class ReplyScores(BaseModel):
    """Scores of a model or a baseline; other keys are not looked at.

    Attributes:
        scores: name → value with its interval; a baseline has no perplexity.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    scores: dict[str, Figure]


class DialogueEvaluation(ReplyScores):
    """The model's scores, and beside them those of the baselines on the same questions.

    Attributes:
        rows: replies measured.
        dialogues: that they are of.
        questions: replies that were looked for among others.
        candidates: among how many.
        left_out: replies that do not fit into the window.
        best_by: the score that comes first.
        baselines: name → scores.
        difference: name → score → that of the model less that of the baseline.
        worst: questions whose chosen candidate was rated furthest above the right one; ``written`` is what was chosen.
    """

    rows: int
    dialogues: int
    questions: int
    candidates: int
    left_out: int
    best_by: str
    baselines: dict[str, ReplyScores] = {}
    difference: dict[str, dict[str, Figure]] = {}
    worst: list[Answer] = []


class DialogueCounts(Facts):
    """Counts of dialogues.

    Attributes:
        read: source files → dialogues read.
        splits: split → dialogues.
        exchanges: split → replies in them.
        removed: reason → dialogues left out; see `penjing.pipeline.report.facts.DataCounts`.
    """

    read: dict[str, int]
    splits: dict[str, int]
    exchanges: dict[str, int]
    removed: dict[str, int]


class DialogueReportFacts(RunFacts):
    """What the report of a model that replies says beyond that of any run.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines.
        answers: replies of the finished model, shown at the top.
        data: counts of dialogues.
        tokens: how dialogues became tokens; rows are windows.
        left_out: replies that are learned nowhere, because they do not fit into a window.
    """

    task: str
    evaluation: DialogueEvaluation
    answers: tuple[Answer, ...] = ()
    data: DialogueCounts
    tokens: TokenCounts
    left_out: int
