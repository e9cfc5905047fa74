"""A model that writes, or a part of one: a question about a text is answered in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penjing.errors import UsageError
from penjing.inference.writing import Writer
from penjing.inference.writing_settings import WritingSettings
from penjing.progress import Progress
from penjing.tasks.model import Model
from penjing.tasks.prediction import AnswerPrediction
from penjing.tasks.tables import is_table, texts_of, with_columns
from penjing.tasks.task import SpanTask
from penjing.text.prompt_renderer import PromptPairRenderer


@dataclass(frozen=True)
class WrittenAnswerModel(Model):
    """Answers are written, and need not stand in the text; one without a word says that there is none.

    Attributes:
        task: what it is for.
        renderer: turns questions and texts into prompts.
        writer: runs the network.
        settings: how it writes.
    """

    task: SpanTask
    renderer: PromptPairRenderer
    writer: Writer
    settings: WritingSettings

    def predict(self, rows: Any) -> Any:
        """Answers each row, as `penjing.tasks.answer_model.AnswerModel.predict` does.

        Raises:
            UsageError: a row lacks a question or a text, or the column is missing.
        """
        if not is_table(rows) and not (isinstance(rows, Sequence) and all(isinstance(row, dict) for row in rows)):
            raise UsageError(
                "a question is asked of a text",
                where="predict",
                do='Give rows: model.predict([{"question": "…", "context": "…"}]).',
            )
        predictions = self.answer(texts_of(rows, "question"), texts_of(rows, "context"))
        if not is_table(rows):
            return predictions
        answers, chances = [item.answer for item in predictions], [item.probability for item in predictions]
        return with_columns(rows, {"answer": answers, "probability": chances})

    def predict_texts(self, texts: Sequence[str]) -> list[AnswerPrediction]:
        """Refuses texts alone.

        Raises:
            UsageError: always.
        """
        raise UsageError("this model answers questions about texts", do="Give a question and a text with each.")

    def answer(
        self, questions: Sequence[str], texts: Sequence[str], progress: Progress | None = None
    ) -> list[AnswerPrediction]:
        """Answers each question from its text.

        The place of an answer is where its words stand first in the text, if they do; where only case and spaces
        differ, which some tokenizers lose, it is given as it stands there. Its probability is that of its tokens, one
        after another.

        Args:
            questions: what is asked.
            texts: what is read with each.
            progress: told how many are complete.

        Raises:
            Interrupted: the user asked to stop.
        """
        rows = [{"question": question, "text": text} for question, text in zip(questions, texts, strict=True)]
        read = self.renderer.render_rows(rows)
        written = self.writer.write([row.ids for row in read], self.settings, progress)
        predictions = []
        for row, rendered, item in zip(rows, read, written, strict=True):
            answer = self.renderer.tokenizer.decode(item.ids).strip()
            start, end = locate_words(row["text"], answer) or (None, None)
            said, chance = answer if end is None else row["text"][start:end], math.exp(min(0.0, item.score))
            predictions.append(
                AnswerPrediction(row["question"], said, start, end, chance, bool(said), rendered.cut_tokens)
            )
        return predictions


def locate_words(text: str, words: str) -> tuple[int, int] | None:
    """Returns the first and past the last character where words stand first in a text, or do but for case and spaces.

    >>> locate_words("Built in 1889 by Gustave Eiffel.", "gustave  eiffel")
    (17, 31)
    >>> locate_words("由光荣开发", "光 荣")
    (1, 3)
    """
    if not words.strip():
        return None
    start = text.find(words)
    if start >= 0:
        return start, start + len(words)
    kept = [place for place, letter in enumerate(text) if not letter.isspace()]
    plain = "".join(map(_lower, (text[place] for place in kept)))
    wanted = "".join(map(_lower, "".join(words.split())))
    start = plain.find(wanted)
    return None if start < 0 else (kept[start], kept[start + len(wanted) - 1] + 1)


def _lower(letter: str) -> str:
    """Returns a letter in lower case, where that is one letter, too."""
    lowered = letter.lower()
    return lowered if len(lowered) == 1 else letter
