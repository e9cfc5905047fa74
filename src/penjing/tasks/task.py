"""The shape of a task: what it answers with, how outputs become predictions, how they are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from penjing.registry import load_registered

Probabilities = NDArray[np.float64]
Ratings = NDArray[np.float64]


@dataclass(frozen=True)
class ClassPrediction:
    """A label for a text.

    Attributes:
        text: what was read.
        label: the most probable one.
        probability: of that label.
        probabilities: of every label.
        cut_tokens: tokens at the end that were not read, because the text is longer than the model's window.
    """

    text: str
    label: str
    probability: float
    probabilities: dict[str, float]
    cut_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class TextPrediction:
    """A text that was written to a text.

    Attributes:
        text: what was read.
        written: the answer.
        is_complete: whether the model ended it; false: there was room for no more.
        cut_tokens: tokens of the text that were not read, because it is longer than the model's window.
    """

    text: str
    written: str
    is_complete: bool = True
    cut_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


Prediction = ClassPrediction | TextPrediction


class Baseline(Protocol):
    """A fitted baseline."""

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Returns the probability of each label for each text, [texts, labels]."""


class WritingBaseline(Protocol):
    """A fitted baseline of a task in which a text is written."""

    def write(self, texts: Sequence[str]) -> list[str]:
        """Returns a text for each source; a source that is empty has one too, and it may be empty."""


class Question(NamedTuple):
    """Which reply follows?

    Attributes:
        said: what was said before, turn by turn, by both.
        candidates: replies, the right one first; who rates them may not look at their order.
    """

    said: Sequence[str]
    candidates: Sequence[str]


class RetrievalBaseline(Protocol):
    """A fitted baseline that rates replies."""

    def rate(self, questions: Sequence[Question]) -> list[Ratings]:
        """Returns how well each candidate of each question would follow; the more the better."""


#: Fits on the replies of training dialogues, and may choose its settings by questions of validation dialogues.
FitRetrieval = Callable[[Sequence[str], Sequence[Question]], RetrievalBaseline]
FitWriting = Callable[[Sequence[str], Sequence[str]], WritingBaseline]
Answers = Literal["label", "text", "reply"]


@dataclass(frozen=True)
class Task:
    """One application: a `LabelTask`, a `WritingTask` or a `DialogueTask`.

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
        label_names: raw value → label, where the task has labels of its own and the recipe names none.
        decode: logits [rows, labels], label names, texts and cut tokens → typed predictions.
        score: true classes [rows], probabilities [rows, labels], label names, resamples, seed → scores with intervals.
        baselines: name → function of training and validation texts and classes and the labels → fitted baseline.
    """

    label_names: Mapping[str, str] | None
    decode: Callable[[Probabilities, Sequence[str], Sequence[str], Sequence[int]], list[ClassPrediction]]
    score: Callable[[NDArray[np.int64], Probabilities, Sequence[str], int, int], dict[str, Any]]
    baselines: Mapping[str, Callable[..., Baseline]]

    @property
    def answers(self) -> Answers:
        return "label"


@dataclass(frozen=True)
class WritingTask(Task):
    """A text is answered with another text. Families can do it that write: encoder-decoders and decoders.

    Attributes:
        score: texts written, references, sources, resamples, seed → ``rows`` and ``scores`` with intervals, and what
            else is to be known of them, such as a ``signature``.
        compare: texts written, others, references, sources, resamples, seed → score → difference with its interval.
        rate: a text written and its reference → how good it is, to show the worst; the more the better.
        best_by: the score that comes first.
        baselines: name → function of the training texts and what they are answered with → fitted baseline.
    """

    score: Callable[[Sequence[str], Sequence[str], Sequence[str], int, int], dict[str, Any]]
    compare: Callable[
        [Sequence[str], Sequence[str], Sequence[str], Sequence[str], int, int], dict[str, dict[str, float]]
    ]
    rate: Callable[[str, str], float]
    best_by: str
    baselines: Mapping[str, FitWriting]

    @property
    def answers(self) -> Answers:
        return "text"


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


def load_task(name: str) -> Task:
    """Returns the task registered under a name.

    Raises:
        UsageError: there is none.
    """
    task: Task = load_registered("tasks", name)
    return task
