"""What the report of a model that ranks items is made of: plain JSON values, checked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from penjing.pipeline.report.facts import Facts, Figure, RunFacts


class Band(BaseModel):
    """How well items of like popularity are ranked; ``rows``: how many of them were wanted.

    Evaluations of before have NDCG alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    ndcg_10: Figure
    hit_rate_10: Figure | None = None
    mrr: Figure | None = None


class RankingScores(BaseModel):
    """What `penjing.metrics.ranking.ranking_scores` returns; other keys are not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    scores: dict[str, Figure]
    bands: dict[str, Band] = {}


class Compared(RankingScores):
    """The model's scores, and beside them those of the baselines on the same questions.

    Attributes:
        items: how many are ranked.
        baselines: name → scores.
        difference: name → score → that of the model less that of the baseline.
    """

    items: int
    baselines: dict[str, RankingScores] = {}
    difference: dict[str, dict[str, Figure]] = {}


class Asked(BaseModel):
    """A question: the last items of a history, what came next, at which place it stands, and what is first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    history: list[str]
    truth: str
    place: int
    first: list[str]


class RankingEvaluation(Compared):
    """How good the model is.

    Attributes:
        best_by: the score that comes first.
        teachers: number → scores of the model that this one learned from.
        examples: some of the questions, drawn.
        cold: how well items are ranked that were kept out of training; None where none were.
    """

    best_by: str
    teachers: dict[str, RankingScores] = {}
    examples: list[Asked] = []
    cold: Compared | None = None


class Item(BaseModel):
    """An item of an answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    text: str


class RankingAnswer(BaseModel):
    """What was read of a history, and what may come next."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    read: tuple[str, ...]
    items: tuple[Item, ...]


class EventCounts(Facts):
    """Counts of events.

    Attributes:
        read: source files → rows read.
        splits: split → events that are learned from, or users that are asked.
        removed: reason → events left out.
        users: how many there are.
        short_users: of those, how many have too few events to be asked.
        items: how many can be ranked.
        ties: events of a user at the time of the one before.
        items_removed: reason → rows of the table of items left out.
        cold_items: kept out of training.
        cold_events: of those.
    """

    read: dict[str, int]
    splits: dict[str, int]
    removed: dict[str, int]
    users: int
    short_users: int
    items: int
    ties: int
    items_removed: dict[str, int]
    cold_items: int
    cold_events: int


class ItemTextCounts(Facts):
    """How items and histories are read.

    Attributes:
        vocabulary: entries of the tokenizer.
        kind: of tokenizer.
        max_tokens: the longest text that is read.
        max_items: the longest history that is read.
        cut_texts: texts that are longer.
        cut_tokens: tokens of them that are not read.
        cut_histories: test histories that are longer.
        cut_items: items of them that are not read.
        has_encoder: whether a text encoder made the vectors of texts.
    """

    vocabulary: int
    kind: str
    max_tokens: int
    max_items: int
    cut_texts: int
    cut_tokens: int
    cut_histories: int
    cut_items: int
    has_encoder: bool


class RankingReportFacts(RunFacts):
    """What the report of a model that ranks items says beyond that of any run.

    Attributes:
        task: name of the task.
        evaluation: the model's scores, beside those of the baselines.
        answers: of the finished model, shown at the top.
        data: counts of events.
        texts: how items and histories are read.
    """

    task: str
    evaluation: RankingEvaluation
    answers: tuple[RankingAnswer, ...] = ()
    data: EventCounts
    texts: ItemTextCounts
