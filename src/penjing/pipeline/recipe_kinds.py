"""Recipes by the kind of rows that their task learns from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from penjing.data.event_settings import EventData
from penjing.data.events import ITEMS
from penjing.data.settings import LabelledData, PairedData
from penjing.errors import UsageError
from penjing.pipeline.recipe import DEFAULT_TASK, ModelSettings, Recipe
from penjing.tasks.task import Answers, load_task
from penjing.tasks.write_settings import WriteSettings
from penjing.text.item_renderer import ItemRendererSettings
from penjing.text.pair_renderer import PairRendererSettings
from penjing.train.settings import FinetuneSettings, RowSettings, WritingFinetuneSettings


class LabelRecipe(Recipe):
    """A recipe whose rows, if it has any, are labelled."""

    data: LabelledData | None = None
    finetune: FinetuneSettings = FinetuneSettings()


class WritingRecipe(Recipe):
    """A recipe whose rows are pairs: a text, and what is to be written to it."""

    data: PairedData | None = None
    render: PairRendererSettings = PairRendererSettings()
    finetune: WritingFinetuneSettings = WritingFinetuneSettings()
    write: WriteSettings = WriteSettings()

    @property
    def text_columns(self) -> tuple[str, ...]:
        return ("text", "target")  # both sides share a vocabulary

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return (*super().templates, ("target", "target", self.render.target))

    @property
    def answering(self) -> dict[str, Any]:
        return {"write": self.write.model_dump(mode="json")}

    @property
    def generation(self) -> dict[str, Any]:
        return self.write.generation

    @model_validator(mode="after")
    def _has_no_explanation(self) -> WritingRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers that are labels, and this task writes texts")
        return self


class ItemModelSettings(ModelSettings):
    """Which network ranks items, and what reads their texts."""

    text_encoder: str | None = Field(
        None,
        description="folder of a BERT that makes vectors of items' texts, or package:NAME/folder; default: vectors of "
        "words are learned with the rest",
    )


class ItemFinetuneSettings(RowSettings):
    """Learning which item comes next."""

    batch_rows: int = Field(32, ge=1, description="most pieces of histories in a batch")


class ItemRecipe(Recipe):
    """A recipe whose rows are events of users with items."""

    data: EventData | None = None
    model: ItemModelSettings = ItemModelSettings()
    render: ItemRendererSettings = ItemRendererSettings()
    finetune: ItemFinetuneSettings = ItemFinetuneSettings()

    @property
    def text_table(self) -> str:
        return ITEMS

    @property
    def text_encoder(self) -> str | None:
        return self.model.text_encoder

    @model_validator(mode="after")
    def _learns_from_events_alone(self) -> ItemRecipe:
        for name in ("corpus", "vectors", "pretrain", "explain"):
            if getattr(self, name) is not None:
                raise ValueError(f"[{name}] is for models of texts, and this task ranks items")
        if self.model.start is not None or self.model.adapter is not None:
            raise ValueError("[model] start is for models of texts; a text encoder is named in text_encoder")
        if self.finetune.lora is not None:
            raise ValueError(
                "[finetune.lora] changes a model that has learned already, and this one starts from nothing"
            )
        return self


RECIPES: Mapping[Answers, type[Recipe]] = {"label": LabelRecipe, "text": WritingRecipe, "items": ItemRecipe}


def recipe_class(document: Mapping[str, Any]) -> type[Recipe]:
    """Returns the class of a recipe by what its task answers with; a task that is not known is refused later."""
    try:
        return RECIPES[load_task(document.get("task") or DEFAULT_TASK).answers]
    except (UsageError, TypeError):
        return LabelRecipe


def labelled_data(recipe: Recipe) -> LabelledData:
    """Returns ``[data]`` of a recipe that has labelled rows."""
    assert isinstance(recipe.data, LabelledData)
    return recipe.data


def paired_data(recipe: Recipe) -> PairedData:
    """Returns ``[data]`` of a recipe that has pairs."""
    assert isinstance(recipe.data, PairedData)
    return recipe.data
