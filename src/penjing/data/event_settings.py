"""What a recipe says about events: which user had which item, and when."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from penjing.data.settings import RowData, check_columns, check_encoding
from penjing.errors import SettingsError

_COLUMN = re.compile(r"\{([^{}]+)\}")


class EventData(RowData):
    """Events, each a user, an item and a time; and a table of the items."""

    path: str = Field(
        min_length=1,
        description="table of events: a file, folder or glob, package:NAME/inner/path or hf://datasets/OWNER/NAME",
    )
    items: str = Field(min_length=1, description="table of items, likewise")
    user: str = Field("user", min_length=1, description="column of the user, in the events")
    item: str = Field("item", min_length=1, description="column of the item, in the events")
    time: str = Field("time", min_length=1, description="column of the time: a number, or a date such as 2026-03-02")
    id: str = Field("item", min_length=1, description="column of the item, in the table of items")
    text: str = Field("{text}", min_length=1, description="an item's text, with columns of that table in braces")
    unknown_items: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with an event whose item is not in the table of items"
    )
    empty_text: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with an item whose text is empty; with drop its events go too"
    )
    cold: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        description="share of the items that are kept out of training, drawn by the seed, to measure how well items "
        "are ranked that are new",
    )
    removed: tuple[str, ...] = Field((), description="users whose events are left out")

    @field_validator("text")
    @classmethod
    def _names_columns(cls, text: str) -> str:
        if not _COLUMN.search(text):
            raise SettingsError(
                "it names no column", 'Put those of the items\' text in braces, as in "{title} ({year})".'
            )
        return text

    @model_validator(mode="after")
    def _is_consistent(self) -> EventData:
        named = (self.user, self.item, self.time)
        if len(set(named)) < len(named):
            raise SettingsError(f"user, item and time are {', '.join(named)}", "Name three columns.")
        check_columns(self.columns, (*named, *self.where))
        check_encoding(self.encoding)
        return self

    @property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """The address of the events, and that of the items."""
        return {"path": (self.path,), "items": (self.items,)}

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that an item's text is made of, each once."""
        return tuple(dict.fromkeys(_COLUMN.findall(self.text)))

    def fill_text(self, cells: dict[str, str]) -> str:
        """Returns an item's text from its cells, by column."""
        return " ".join(_COLUMN.sub(lambda match: cells[match[1]], self.text).split())
