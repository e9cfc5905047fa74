"""The shape of a task: what it answers with, how outputs become predictions, how they are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from penjing.data.histories import Catalog
from penjing.data.question_rows import Question
from penjing.metrics.generation import SampleScores
from penjing.metrics.ranking import Places
from penjing.registry import load_registered
from penjing.tasks.prediction import ClassPrediction, SetPrediction

Probabilities = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ratings = NDArray[np.float64]


class Baseline(Protocol):
    """A fitted baseline."""

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Returns the probability of each label for each text, [texts, labels]."""


class WritingBaseline(Protocol):
    """A fitted baseline of a task in which a text is written."""

    def write(self, texts: Sequence[str]) -> list[str]:
        """Returns a text for each source; a source that is empty has one too, and it may be empty."""


FitSets = Callable[[Sequence[str], Flags], Baseline]
FitWriting = Callable[[Sequence[str], Sequence[str]], WritingBaseline]


class AnswerBaseline(Protocol):
    """A fitted baseline of a task in which answers are found in texts."""

    def answer(self, questions: Sequence[str], texts: Sequence[str]) -> list[str]:
        """Returns for each question a part of its text."""


FitAnswers = Callable[[Sequence[Question]], AnswerBaseline]


class ReplyChoice(NamedTuple):
    """Which reply follows?

    Attributes:
        said: what was said before, turn by turn, by both.
        candidates: replies, the right one first; who rates them may not look at their order.
    """

    said: Sequence[str]
    candidates: Sequence[str]


class RetrievalBaseline(Protocol):
    """A fitted baseline that rates replies."""

    def rate(self, questions: Sequence[ReplyChoice]) -> list[Ratings]:
        """Returns how well each candidate of each question would follow; the more the better."""


#: Fits on the replies of training dialogues, and may choose its settings by questions of validation dialogues.
FitRetrieval = Callable[[Sequence[str], Sequence[ReplyChoice]], RetrievalBaseline]


class RankingBaseline(Protocol):
    """A fitted baseline of a task in which items are ranked."""

    def rank(self, histories: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
        """Returns the score of each item for each history of item numbers from 1, [histories, items]."""


FitRanking = Callable[[Sequence[NDArray[np.int64]], Catalog], RankingBaseline]


class PreferenceBaseline(Protocol):
    """A fitted baseline that says which of two answers is preferred."""

    def prefer(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        """Returns how much rather the first answer of each pair is taken than the second, [pairs]; below 0: it is not.

        Exchanging the two changes the sign alone.
        """


#: Fits on the preferred answers of training rows, and on the others.
FitPreferences = Callable[[Sequence[str], Sequence[str]], PreferenceBaseline]


class TokenBaseline(Protocol):
    """A fitted baseline that says how likely tokens are."""

    def surprisals(self, documents: Sequence[Sequence[int]]) -> Ratings:
        """Returns the negative log-probability of each document but its first token, in nats, [documents]."""


#: Fits on documents one after another, int64 [tokens], where each begins and the last ends, [documents + 1], and the
#: size of the vocabulary.
FitTokens = Callable[[NDArray[np.int64], NDArray[np.int64], int], TokenBaseline]
Answers = Literal[
    "continuation",
    "items",
    "label",
    "parts",
    "preferred reply",
    "preferred text",
    "rank",
    "reply",
    "set",
    "span",
    "text",
]


@dataclass(frozen=True)
class Task:
    """One application: a `LabelTask`, a `MultilabelTask`, a `WritingTask`, a `SpanTask`, a `DialogueTask`,
    an `ItemTask`, a `GenerationTask`, a `MultiTask` or a `PreferenceTask`.

    Attributes:
        name: as in a recipe.
    """

    name: str

    @property
    def answers(self) -> Answers:
        """What it answers with; that decides how its rows go along the path."""
        raise NotImplementedError


@dataclass(frozen=True)
class LabelTask(Task):
    """A text is answered with one of several labels. Every family can do it, with a head that scores them.

    Attributes:
        label_names: raw value → label, where the task has labels of its own and the recipe names none;
            `penjing.data.scale_names.ScaleNames` where some of them do not go together.
        choose: probabilities [rows, labels] → the number of the label that is given, [rows].
        decode: logits [rows, labels], label names, texts and cut tokens → typed predictions.
        score: true classes [rows], probabilities [rows, labels], label names, resamples, seed → scores with intervals.
        baselines: name → function of training and validation texts and classes and the labels → fitted baseline, or
            None for texts that it is not made for.
    """

    label_names: Mapping[str, str] | None
    choose: Callable[[Probabilities], NDArray[np.int64]]
    decode: Callable[[Probabilities, Sequence[str], Sequence[str], Sequence[int]], Sequence[ClassPrediction]]
    score: Callable[[NDArray[np.int64], Probabilities, Sequence[str], int, int], dict[str, Any]]
    baselines: Mapping[str, Callable[..., Baseline | None]]

    @property
    def answers(self) -> Answers:
        return "label"


@dataclass(frozen=True)
class OrdinalTask(LabelTask):
    """A text is answered with one of several labels that have an order, such as stars."""

    @property
    def answers(self) -> Answers:
        return "rank"


@dataclass(frozen=True)
class MultilabelTask(Task):
    """A text is answered with any number of labels. Every family can do it, with a head that scores each by itself.

    Attributes:
        decode: logits [rows, labels], label names, threshold, texts and cut tokens → typed predictions.
        score: whether each label applies, [rows, labels], probabilities [rows, labels], threshold, label names,
            resamples, seed → ``rows``, ``scores`` and ``per_label`` with intervals.
        compare: truth, labels given, labels given by another, each [rows, labels], resamples, seed → score →
            difference with its interval.
        best_by: the score that comes first.
        baselines: name → function of the training texts and whether each label applies → fitted baseline.
    """

    decode: Callable[[Probabilities, Sequence[str], float, Sequence[str], Sequence[int]], Sequence[SetPrediction]]
    score: Callable[[Flags, Probabilities, float, Sequence[str], int, int], dict[str, Any]]
    compare: Callable[[Flags, Flags, Flags, int, int], dict[str, dict[str, float]]]
    best_by: str
    baselines: Mapping[str, FitSets]

    @property
    def answers(self) -> Answers:
        return "set"


@dataclass(frozen=True)
class WritingTask(Task):
    """A text is answered with another text. Families can do it that write: encoder-decoders and decoders.

    Attributes:
        score: texts written, the references of each, sources, resamples, seed → ``rows`` and ``scores`` with intervals,
            and what else is to be known of them, such as a ``signature``.
        compare: texts written, others, the references of each, sources, resamples, seed → score → difference with its
            interval.
        rate: a text written and its references → how good it is, to show the worst; the more the better.
        best_by: the score that comes first.
        baselines: name → function of the training texts and what they are answered with → fitted baseline.
    """

    score: Callable[[Sequence[str], Sequence[Sequence[str]], Sequence[str], int, int], dict[str, Any]]
    compare: Callable[
        [Sequence[str], Sequence[str], Sequence[Sequence[str]], Sequence[str], int, int], dict[str, dict[str, float]]
    ]
    rate: Callable[[str, Sequence[str]], float]
    best_by: str
    baselines: Mapping[str, FitWriting]

    @property
    def answers(self) -> Answers:
        return "text"


@dataclass(frozen=True)
class SpanTask(Task):
    """A question is answered with a part of a text. Families can do it that read both sides of a token.

    Attributes:
        score: answers, the references of each, the document of each, resamples, seed → ``rows`` and ``scores`` with
            intervals, and their ``signature``.
        compare: answers, others, references, documents, resamples, seed → score → difference with its interval.
        rate: answers and references → how good each is, from 0 to 1, to show the worst and to choose a threshold;
            [rows, scores].
        best_by: the score that comes first.
        baselines: name → function of the training questions → fitted baseline.
    """

    score: Callable[[Sequence[str], Sequence[Sequence[str]], Sequence[str], int, int], dict[str, Any]]
    compare: Callable[
        [Sequence[str], Sequence[str], Sequence[Sequence[str]], Sequence[str], int, int], dict[str, dict[str, float]]
    ]
    rate: Callable[[Sequence[str], Sequence[Sequence[str]]], NDArray[np.float64]]
    best_by: str
    baselines: Mapping[str, FitAnswers]

    @property
    def answers(self) -> Answers:
        return "span"


@dataclass(frozen=True)
class DialogueTask(Task):
    """Dialogues are answered with the next reply. Families can do it that go on where a text ends: decoders.

    Attributes:
        best_by: the score that comes first.
        baselines: name → function of the training replies and questions of validation dialogues → fitted baseline.
    """

    best_by: str
    baselines: Mapping[str, FitRetrieval]

    @property
    def answers(self) -> Answers:
        return "reply"


@dataclass(frozen=True)
class ItemTask(Task):
    """A history is answered with items, ranked. Families can do it that rank items.

    Attributes:
        score: places of the wanted items, first ten of each ranking, number of items, bands of the wanted items or
            None, resamples, seed → ``rows``, ``scores`` with intervals, ``bands``.
        compare: places, places of another, resamples, seed → score → difference with its interval.
        best_by: the score that comes first.
        baselines: name → function of the training histories and the items → fitted baseline.
        by_text: texts of the items that are read, and of those that are ranked → baseline for items that are new.
    """

    score: Callable[[Places, NDArray[np.int64], int, NDArray[np.int64] | None, int, int], dict[str, Any]]
    compare: Callable[[Places, Places, int, int], dict[str, dict[str, float]]]
    best_by: str
    baselines: Mapping[str, FitRanking]
    by_text: Callable[[Sequence[str], Sequence[str]], RankingBaseline]

    @property
    def answers(self) -> Answers:
        return "items"


@dataclass(frozen=True)
class PreferenceTask(Task):
    """A text is answered with another, as somebody prefers. Families can do it that write.

    Attributes:
        best_by: the score that comes first.
        baselines: name → function of the preferred answers of the training rows and the others → fitted baseline.
    """

    best_by: str
    baselines: Mapping[str, FitPreferences]

    @property
    def answers(self) -> Answers:
        return "preferred text"


@dataclass(frozen=True)
class ReplyPreferenceTask(PreferenceTask):
    """Dialogues are answered with the next reply, as somebody prefers. Decoders can do it."""

    @property
    def answers(self) -> Answers:
        return "preferred reply"


@dataclass(frozen=True)
class GenerationTask(Task):
    """A text is gone on with. Families can do it that write: encoder-decoders and decoders.

    Attributes:
        score: texts written, texts that truly follow, resamples, seed → scores of both, and their difference.
        best_by: the score that comes first; the fewer the better.
        baselines: name → function of the training tokens → fitted baseline.
    """

    score: Callable[[Sequence[str], Sequence[str], int, int], SampleScores]
    best_by: str
    baselines: Mapping[str, FitTokens]

    @property
    def answers(self) -> Answers:
        return "continuation"


@dataclass(frozen=True)
class MultiTask(Task):
    """Several tasks of one model, its parts, each with a template of its own; the parts are in the recipe."""

    @property
    def answers(self) -> Answers:
        return "parts"


def load_task(name: str) -> Task:
    """Returns the task registered under a name.

    Raises:
        UsageError: there is none.
    """
    task: Task = load_registered("tasks", name)
    return task
