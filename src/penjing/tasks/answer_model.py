"""A finished model that finds answers in texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penjing.errors import UsageError
from penjing.inference.extraction import Extractor, FoundSpan
from penjing.progress import Progress
from penjing.tasks.answer_settings import AnswerSettings
from penjing.tasks.model import Model
from penjing.tasks.prediction import AnswerPrediction
from penjing.tasks.tables import is_frame, texts_of, with_columns
from penjing.tasks.task import SpanTask
from penjing.text.question_renderer import QuestionRenderer, RenderedQuestion

_ROWS = 512


@dataclass(frozen=True)
class AnswerModel(Model):
    """A model that finds answers.

    Attributes:
        folder: where it was loaded from.
        card: its ``penjing.json``: task, lineage, scores, how it answers.
        task: what it is for.
        renderer: turns questions and texts into token ids, as in training.
        extractor: runs the network.
        settings: longest answer, and when a question is left unanswered.
    """

    task: SpanTask
    renderer: QuestionRenderer
    extractor: Extractor
    settings: AnswerSettings

    def predict(self, rows: Any) -> Any:
        """Answers each row.

        Args:
            rows: a list of dictionaries with the columns ``question`` and ``context``, or a pandas, Polars or Arrow
                table with them.

        Returns:
            A list of `AnswerPrediction` for a list; for a table the same kind of table with the columns ``answer``
            and ``probability`` added.

        Raises:
            UsageError: a row lacks one of both, or the column is missing.
        """
        if not is_frame(rows) and not (isinstance(rows, Sequence) and all(isinstance(row, dict) for row in rows)):
            raise UsageError(
                "a question is asked of a text",
                where="predict",
                do='Give rows: model.predict([{"question": "…", "context": "…"}]).',
            )
        predictions = self.answer(texts_of(rows, "question"), texts_of(rows, "context"))
        if not is_frame(rows):
            return predictions
        answers, chances = [item.answer for item in predictions], [item.probability for item in predictions]
        return with_columns(rows, {"answer": answers}, {"probability": chances})

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

        Args:
            questions: what is asked.
            texts: where the answer is looked for, one for each question.
            progress: told how many windows are read.

        Raises:
            Interrupted: the user asked to stop.
        """
        predictions: list[AnswerPrediction] = []
        for first in range(0, len(questions), _ROWS):
            asked, read = questions[first : first + _ROWS], texts[first : first + _ROWS]
            for question, text, (rendered, found) in zip(asked, read, self.find(asked, read, progress), strict=True):
                predictions.append(self.decide(question, text, found, rendered.cut_tokens))
        return predictions

    def find(
        self, questions: Sequence[str], texts: Sequence[str], progress: Progress | None = None
    ) -> list[tuple[RenderedQuestion, FoundSpan]]:
        """Returns the windows of each question and the best span in them, whether it is answered or not."""
        rendered = self.renderer.render(
            [{"question": question, "text": text} for question, text in zip(questions, texts, strict=True)]
        )
        return list(
            zip(rendered, self.extractor.find(rendered, self.settings.max_answer_tokens, progress), strict=True)
        )

    def decide(self, question: str, text: str, found: FoundSpan, cut_tokens: int = 0) -> AnswerPrediction:
        """Returns the answer of a span, or none where it outweighs "not in the text" too little."""
        threshold = self.settings.threshold
        if found.start == found.end or (threshold is not None and found.margin <= threshold):
            return AnswerPrediction(question, "", None, None, found.null_share, False, cut_tokens)
        probability = found.probability if threshold is None else found.share
        answer = text[found.start : found.end]
        return AnswerPrediction(question, answer, found.start, found.end, probability, True, cut_tokens)
