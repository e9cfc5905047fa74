"""What models answer with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


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


@dataclass(frozen=True, kw_only=True)
class RankPrediction(ClassPrediction):
    """One of several labels in order for a text; ``label`` is the median of its probabilities.

    Attributes:
        expected: the mean of the labels under their probabilities: of their own numbers where all are numbers, else of
            their places, from 1.
    """

    expected: float


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


@dataclass(frozen=True)
class SetPrediction:
    """The labels of a text, any number of them.

    Attributes:
        text: what was read.
        labels: those that apply, the most probable first; perhaps none.
        probabilities: of every label, each by itself.
        threshold: a label is given from this probability on.
        cut_tokens: tokens of the text that were not read, because it is longer than the model's window.
    """

    text: str
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    threshold: float
    cut_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return {**asdict(self), "labels": list(self.labels)}


@dataclass(frozen=True)
class AnswerPrediction:
    """An answer that was found in a text.

    Attributes:
        question: what was asked.
        answer: the words of the text; empty where it does not answer the question.
        start: the answer's first character in the text; None where there is none.
        end: one past its last; None where there is none.
        probability: of the answer, or of there being none, among all that could have been said.
        is_answerable: whether the text answers the question, as the model finds.
        cut_tokens: tokens of the question that were not read, because it is too long; of the text all are.
    """

    question: str
    answer: str
    start: int | None
    end: int | None
    probability: float
    is_answerable: bool = True
    cut_tokens: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class RankedItem:
    """An item of a ranking.

    Attributes:
        id: of the item.
        text: of the item.
        score: the higher, the likelier it comes next; scores of one ranking compare with each other alone.
    """

    id: str
    text: str
    score: float


@dataclass(frozen=True)
class ItemPrediction:
    """What may come next after a history.

    Attributes:
        history: what was read, as it was given.
        read: what was read in the place of each: the text of an item that the model knows, else what was given.
        items: the best first; none that is in the history.
        new: what in the history is no item that the model knows, and was read by its text.
        cut_items: older items that were not read, because the history is longer than the model's window.
    """

    history: tuple[str, ...]
    read: tuple[str, ...]
    items: tuple[RankedItem, ...]
    new: tuple[str, ...] = ()
    cut_items: int = 0

    @property
    def text(self) -> str:
        """What was read, as one line."""
        return " · ".join(self.read)

    @property
    def answer(self) -> str:
        """The items as one line."""
        return " · ".join(item.text for item in self.items)

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


Prediction = AnswerPrediction | ClassPrediction | ItemPrediction | SetPrediction | TextPrediction
