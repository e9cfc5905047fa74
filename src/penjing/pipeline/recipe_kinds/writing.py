"""Recipes whose rows are pairs of texts."""

from __future__ import annotations

from pydantic import model_validator

from penjing.data.settings import PairedData
from penjing.pipeline.generating_recipe import GeneratingRecipe
from penjing.pipeline.practice_settings import WritingPractice, check_practice
from penjing.pipeline.recipe import Recipe
from penjing.tasks.write_settings import WriteSettings
from penjing.text.pair_renderer import PairRendererSettings
from penjing.train.settings import PairFinetuneSettings


class WritingRecipe(GeneratingRecipe):
    """A recipe whose rows are pairs: a text, and what is to be written to it."""

    data: PairedData | None = None
    render: PairRendererSettings = PairRendererSettings()
    finetune: PairFinetuneSettings = PairFinetuneSettings()
    write: WriteSettings = WriteSettings()
    practice: WritingPractice | None = None

    @property
    def text_columns(self) -> tuple[str, ...]:
        return ("text", "target")  # both sides share a vocabulary

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return (*super().templates, ("target", "target", self.render.target))

    @model_validator(mode="after")
    def _has_no_explanation(self) -> WritingRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers that are labels, and this task writes texts")
        return self

    @model_validator(mode="after")
    def _can_practice(self) -> WritingRecipe:
        if self.practice is not None and self.task == "translate":
            raise ValueError("[practice] is for summaries, which are made of words of their text, and not to translate")
        check_practice(self.practice, self.finetune)
        return self


def paired_data(recipe: Recipe) -> PairedData:
    """Returns ``[data]`` of a recipe that has pairs."""
    assert isinstance(recipe.data, PairedData)
    return recipe.data
