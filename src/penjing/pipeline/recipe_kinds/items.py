"""Recipes whose rows are events of users with items."""

from __future__ import annotations

from pydantic import Field, model_validator

from penjing.data.event_settings import EventData
from penjing.data.events import ITEMS
from penjing.pipeline.recipe import ModelSettings, Recipe
from penjing.text.item_renderer import ItemRendererSettings
from penjing.train.distill_settings import ItemDistillSettings
from penjing.train.settings import RowSettings


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
    distill: ItemDistillSettings | None = None


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
        return self
