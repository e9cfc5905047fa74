"""Recipes whose rows are questions about texts, which a model answers in words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from penjing.data.question_settings import QuestionData
from penjing.pipeline.generating_recipe import GeneratingRecipe
from penjing.pipeline.practice_settings import QuestionPractice, check_practice
from penjing.pipeline.recipe_kinds.answers import check_shown
from penjing.pipeline.recipe_parts import LEFT_OUT_VERSION, QUESTION_COLUMNS, MultiFinetuneSettings, check_prompt
from penjing.tasks.write_settings import WriteSettings
from penjing.text.prompt_renderer import QuestionPromptSettings
from penjing.text.renderer import RendererSettings


class WrittenAnswerFinetuneSettings(MultiFinetuneSettings):
    """Fine-tuning on questions whose answers are written, beside a teacher perhaps."""


class WrittenAnswerRecipe(GeneratingRecipe):
    """A recipe whose rows are questions, each with a text; answers are written, as by a part of `MultiRecipe`."""

    data: QuestionData | None = None
    render: QuestionPromptSettings = QuestionPromptSettings()
    finetune: WrittenAnswerFinetuneSettings = WrittenAnswerFinetuneSettings()
    write: WriteSettings = WriteSettings()
    practice: QuestionPractice | None = None

    @property
    def text_columns(self) -> tuple[str, ...]:
        return QUESTION_COLUMNS

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return (("target", "target", self.render.target),)  # the other is a prompt

    @property
    def document_layout(self) -> RendererSettings:
        return RendererSettings()

    @property
    def layout(self) -> Any:
        return [super().layout, LEFT_OUT_VERSION]

    @model_validator(mode="before")
    @classmethod
    def _finds_no_place(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "answer" in values:
            raise ValueError(
                "[answer] is for models that find answers in texts, those of the family bert, and this one writes "
                "them; [write] says how"
            )
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> WrittenAnswerRecipe:
        check_shown(self, "writes answers")
        check_prompt("render", self.render.template, QUESTION_COLUMNS)
        check_practice(self.practice, self.finetune)
        return self
