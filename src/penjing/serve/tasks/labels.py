"""Classification and sentiment: texts are answered with labels: one, one of several in order, or any number."""

from __future__ import annotations

from pydantic import Field, StrictBool

from penjing.serve.tasks.shape import Answer, Body, Result, Rows, Text, Work, listed
from penjing.serve.tasks.weighing import weigh_texts
from penjing.tasks.by_sentence import predict_sentences
from penjing.tasks.model import Model
from penjing.tasks.tables import texts_of


class LabelBody(Body):
    """Texts that are to be labelled."""

    input: Text | Rows = Field(description="a text, or several")
    sentences: StrictBool = Field(False, description="whether the sentences of a text are answered one by one")


class ClassResult(Result):
    """The label of a text."""

    label: str
    probability: float = Field(description="of the label")
    probabilities: dict[str, float] = Field(description="of every label")
    expected: float | None = Field(None, description="the mean of the labels, where they are in order")


class SetResult(Result):
    """The labels of a text."""

    labels: list[str] = Field(description="those that apply, the most probable first; perhaps none")
    probabilities: dict[str, float] = Field(description="of every label, each by itself")
    threshold: float = Field(description="a label is given from this probability on")


class SentenceClass(ClassResult):
    """A sentence with its label."""

    start: int = Field(description="its first character in the text")
    end: int = Field(description="one past its last")


class SentenceSet(SetResult):
    """A sentence with its labels."""

    start: int = Field(description="its first character in the text")
    end: int = Field(description="one past its last")


class SentencesResult(Result):
    """A text with the answers to its sentences."""

    sentences: list[SentenceClass | SentenceSet]


class LabelAnswer(Answer):
    """An answer to each text, in order."""

    results: list[ClassResult | SetResult | SentencesResult]


def label_texts(model: Model, body: LabelBody) -> Work:
    """Returns what is to be computed.

    Raises:
        UsageError: a text is empty.
    """
    texts = texts_of(listed(body.input), "text")
    if body.sentences:
        return Work(("sentences", body.part), lambda rows, _: predict_sentences(model, rows), texts, weigh_texts(texts))
    return Work(("predict", body.part), lambda rows, _: model.predict_texts(rows), texts, weigh_texts(texts))
