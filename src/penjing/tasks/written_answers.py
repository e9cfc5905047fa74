"""A model that writes, or a part of one: a question about a text is answered in words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
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
from penjing.text.words import is_han


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

    Where they stand in the midst of a longer word alone, that is the place, if they do so to the letter.

    >>> locate_words("Built in 1889 by Gustave Eiffel.", "gustave  eiffel")
    (17, 31)
    >>> locate_words("由光荣开发", "光 荣")
    (1, 3)
    >>> locate_words("Artists in Paris is a club.", "is")
    (17, 19)
    """
    if not words.strip():
        return None
    for pattern, flags in ((re.escape(words), re.NOFLAG), (_pattern(words.split()), re.IGNORECASE)):
        for found in re.finditer(pattern, text, flags):
            if not _is_within_word(text, found.start()) and not _is_within_word(text, found.end()):
                return found.span()
    start = text.find(words)
    return None if start < 0 else (start, start + len(words))


def _pattern(parts: Sequence[str]) -> str:
    """Returns what parts of a text match: with spaces between two words of letters, with or without elsewhere."""
    gaps = (
        r"\s+" if _has_spaces(before[-1]) and _has_spaces(after[0]) else r"\s*" for before, after in pairwise(parts)
    )
    return "".join(f"{re.escape(part)}{gap}" for part, gap in zip_longest(parts, gaps, fillvalue=""))


def _is_within_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and _has_spaces(text[place - 1]) and _has_spaces(text[place])


def _has_spaces(letter: str) -> bool:
    """Whether this is of a script that writes spaces between words."""
    return letter.isalnum() and not is_han(letter)
