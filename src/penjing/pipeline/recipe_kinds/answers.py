"""Recipes whose rows are questions about texts."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from penjing.data.question_settings import QuestionData
from penjing.pipeline.practice_settings import QuestionPractice, check_practice
from penjing.pipeline.recipe import Recipe
from penjing.tasks.answer_settings import AnswerSettings
from penjing.text.question_renderer import MARKS_VERSION, QuestionRendererSettings
from penjing.train.settings import (
    AnswerFinetuneSettings,
)


class AnswerRecipe(Recipe):
    """A recipe whose rows are questions, each with a text in which its answer stands."""

    data: QuestionData | None = None
    render: QuestionRendererSettings = QuestionRendererSettings()
    finetune: AnswerFinetuneSettings = AnswerFinetuneSettings()
    answer: AnswerSettings = AnswerSettings()
    practice: QuestionPractice | None = None

    @property
    def text_columns(self) -> tuple[str, ...]:
        return ("text", "question")  # both are read as one

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return ()  # there is one alone

    @property
    def layout(self) -> Any:
        return [super().layout, MARKS_VERSION] if self.render.mark_matches else super().layout

    @property
    def answering(self) -> dict[str, Any]:
        return {"answer": self.answer.model_dump(mode="json")}

    @model_validator(mode="after")
    def _shows_questions(self) -> AnswerRecipe:
        check_shown(self, "finds parts of texts")
        check_practice(self.practice, self.finetune)
        return self


def check_shown(recipe: Recipe, does: str) -> None:
    """Refuses to explain answers that are no labels, and to show those to texts without a question.

    Raises:
        ValueError: it says which section.
    """
    if recipe.explain is not None:
        raise ValueError(f"[explain] is for answers that are labels, and this model {does}")
    if recipe.report.examples:
        raise ValueError("[report] examples are texts alone, and a question needs one; test questions are shown")


def question_data(recipe: Recipe) -> QuestionData:
    """Returns ``[data]`` of a recipe of questions that has it."""
    assert isinstance(recipe.data, QuestionData)
    return recipe.data
