"""Recipes whose rows are dialogues."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from penjing.data.dialogue_settings import DialogueData
from penjing.pipeline.generating_recipe import GeneratingRecipe
from penjing.pipeline.recipe import EvaluateSettings, Recipe
from penjing.tasks.write_settings import WriteSettings
from penjing.text.chat_template import MARKS
from penjing.text.dialogue_renderer import DialogueRendererSettings
from penjing.text.renderer import RendererSettings
from penjing.train.settings import DialogueFinetuneSettings


class DialogueEvaluateSettings(EvaluateSettings):
    """How a model that replies is measured."""

    candidates: int = Field(20, ge=2, le=1000, description="replies among which the right one is to be found")
    questions: int = Field(1000, ge=1, description="most test replies that are looked for among candidates")


class DialogueWriteSettings(WriteSettings):
    """How replies are written."""

    max_tokens: int = Field(64, ge=1, description="most tokens of a reply; so many are kept for it in the window")
    beams: int = Field(
        1, ge=1, le=64, description="how many beginnings of a reply are kept; 1: the likeliest token is taken always"
    )


class DialogueRecipe(GeneratingRecipe):
    """A recipe whose rows are dialogues."""

    data: DialogueData | None = None
    render: DialogueRendererSettings = DialogueRendererSettings()
    finetune: DialogueFinetuneSettings = DialogueFinetuneSettings()
    evaluate: DialogueEvaluateSettings = DialogueEvaluateSettings()
    write: DialogueWriteSettings = DialogueWriteSettings()

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return ()  # a dialogue's is in Jinja, and in a file

    @property
    def has_dialogues(self) -> bool:
        return True

    @property
    def document_layout(self) -> RendererSettings:
        return RendererSettings()

    @property
    def spare_tokens(self) -> int:
        return len(MARKS)

    @property
    def layout(self) -> Any:
        return [super().layout, {"both_sides": True}] if self.finetune.both_sides else super().layout

    @model_validator(mode="after")
    def _fits_together(self) -> DialogueRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers that are labels, and this task writes replies")
        if self.finetune.both_sides and self.data is not None and self.data.target is not None:
            raise ValueError(
                "both_sides under [finetune] is for dialogues of several turns; with [data] target each has one reply"
            )
        if 2 * self.write.max_tokens > self.render.max_tokens:
            raise ValueError(
                f"[write] max_tokens is {self.write.max_tokens}, more than half of [render] max_tokens, "
                f"{self.render.max_tokens}; a reply has half of the window at most"
            )
        return self


def dialogue_data(recipe: Recipe) -> DialogueData:
    """Returns ``[data]`` of a recipe that has dialogues."""
    assert isinstance(recipe.data, DialogueData)
    return recipe.data
