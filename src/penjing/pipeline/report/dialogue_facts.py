"""What the report of a model that replies is made of: plain JSON values, checked."""

from __future__ import annotations

from penjing.pipeline.report.compared import ComparedScores
from penjing.pipeline.report.facts import Facts, RunFacts, TokenCounts
from penjing.pipeline.report.writing_facts import Answer


class DialogueEvaluation(ComparedScores):
    """The model's scores, and beside them those of the baselines on the same questions; these have no perplexity.

    Attributes:
        dialogues: that the replies measured are of.
        questions: replies that were looked for among others.
        candidates: among how many.
        left_out: replies that do not fit into the window.
        cache: the share of the cache where replies are looked for; evaluations of before have none.
        worst: questions whose chosen candidate was rated furthest above the right one; ``written`` is what was chosen.
    """

    dialogues: int
    questions: int
    candidates: int
    left_out: int
    cache: float = 0.0
    worst: tuple[Answer, ...] = ()


class DialogueCounts(Facts):
    """Counts of dialogues.

    Attributes:
        read: source files → dialogues read.
        splits: split → dialogues.
        exchanges: split → replies that are laid out to be learned or measured, those of both sides where both are.
        removed: reason → dialogues left out; see `penjing.pipeline.report.facts.DataCounts`.
    """

    read: dict[str, int]
    splits: dict[str, int]
    exchanges: dict[str, int]
    removed: dict[str, int]


class OtherSideCounts(Facts):
    """Counts of training dialogues that came a second time, with the sides exchanged.

    Attributes:
        dialogues: how many.
        left_out: how many did not, because a reply in them is measured.
    """

    dialogues: int
    left_out: int


class DialogueReportFacts(RunFacts):
    """What the report of a model that replies says beyond that of any run.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines.
        answers: replies of the finished model, shown at the top.
        data: counts of dialogues.
        tokens: how dialogues became tokens; rows are windows.
        left_out: replies that are learned nowhere, because they do not fit into a window.
        other_sides: of dialogues whose other side was learned, too; None where it was not.
    """

    task: str
    evaluation: DialogueEvaluation
    answers: tuple[Answer, ...] = ()
    data: DialogueCounts
    tokens: TokenCounts
    left_out: int
    other_sides: OtherSideCounts | None = None
