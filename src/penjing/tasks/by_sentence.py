"""Answers to the sentences of a text, one by one, with any model that scores labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from penjing.tasks.model import Model
from penjing.tasks.prediction import Prediction
from penjing.text.sentences import locate_sentences


@dataclass(frozen=True)
class SentencePrediction:
    """A sentence with its answer.

    Attributes:
        start: its first character in the text.
        end: one past its last.
        prediction: the answer; its ``text`` is the sentence.
    """

    start: int
    end: int
    prediction: Prediction

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return {"start": self.start, "end": self.end, **self.prediction.to_dict()}


@dataclass(frozen=True)
class SentencesPrediction:
    """A text with the answers to its sentences.

    Attributes:
        text: what was read.
        sentences: in order.
    """

    text: str
    sentences: tuple[SentencePrediction, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values."""
        return {"text": self.text, "sentences": [sentence.to_dict() for sentence in self.sentences]}


def predict_sentences(model: Model, texts: Sequence[str]) -> list[SentencesPrediction]:
    """Splits texts into sentences (`penjing.text.sentences.split_sentences`), and answers each by itself.

    A model that was trained on whole texts is asked about parts of them here, which it may know less well.

    Args:
        model: answers sentences.
        texts: none of them empty.
    """
    spans = [locate_sentences(text) for text in texts]
    parts = [text[start:end] for text, found in zip(texts, spans, strict=True) for start, end in found]
    answers = iter(model.predict_texts(parts) if parts else ())
    return [
        SentencesPrediction(
            text,
            tuple(
                SentencePrediction(start, end, answer)
                for (start, end), answer in zip(found, islice(answers, len(found)), strict=True)
            ),
        )
        for text, found in zip(texts, spans, strict=True)
    ]
