"""Recipes whose rows are texts to go on with."""

from __future__ import annotations

from pydantic import Field, model_validator

from penjing.data.continuation_settings import ContinuationData
from penjing.pipeline.generating_recipe import GeneratingRecipe
from penjing.pipeline.recipe import EvaluateSettings, Recipe
from penjing.tasks.sample_settings import SampleSettings
from penjing.text.continuation_renderer import ContinuationRendererSettings
from penjing.text.renderer import RendererSettings
from penjing.train.settings import ContinuationFinetuneSettings


class GenerationEvaluateSettings(EvaluateSettings):
    """How a model that goes on with texts is measured."""

    samples: int = Field(100, ge=1, description="test texts that are begun, for the model to go on")
    mistakes: int = Field(20, ge=0, description="how many of those are listed")


class ContinuationRecipe(GeneratingRecipe):
    """A recipe whose rows are texts to go on with."""

    data: ContinuationData | None = None
    render: ContinuationRendererSettings = ContinuationRendererSettings()
    finetune: ContinuationFinetuneSettings = ContinuationFinetuneSettings()
    evaluate: GenerationEvaluateSettings = GenerationEvaluateSettings()
    write: SampleSettings = SampleSettings()

    @property
    def text_columns(self) -> tuple[str, ...]:
        return ("text", "target")  # a continuation, where there is one, is of the same words

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return ()  # a text is learned as it is

    @property
    def document_layout(self) -> RendererSettings:
        return RendererSettings()

    @model_validator(mode="after")
    def _has_no_explanation(self) -> ContinuationRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers that are labels, and this task goes on with texts")
        return self


def continuation_data(recipe: Recipe) -> ContinuationData:
    """Returns ``[data]`` of a recipe that has texts to go on with."""
    assert isinstance(recipe.data, ContinuationData)
    return recipe.data
