"""How a language model answers with the names of labels."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from penjing.errors import SettingsError
from penjing.text.name_renderer import NameLayout


class ChoiceSettings(BaseModel):
    """How names are compared; it may change after training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_length: bool = Field(False, description="compare the mean log-probability of a token, and not the sum")
    prior: Literal["none", "empty", "content_free"] = Field(
        "none",
        description="what is taken off is how likely a name is anyway: after the template without text (empty), or on "
        "average after texts that say nothing, with their examples (content_free)",
    )


class NameSettings(NameLayout, ChoiceSettings):
    """Labels are answered by their names, which a language model goes on with."""

    train: bool = Field(True, description="whether the names are learned; false: the model stays as it is")
    vectors: str | None = Field(
        None,
        description="folder of a BERT by whose vectors texts are compared, or package:NAME/folder; default: by BM25",
    )

    @property
    def layout(self) -> NameLayout:
        """The layout alone."""
        return NameLayout(**self.model_dump(include=set(NameLayout.model_fields)))

    @property
    def choice(self) -> ChoiceSettings:
        """How names are compared."""
        return ChoiceSettings(**self.model_dump(include=set(ChoiceSettings.model_fields)))

    @model_validator(mode="after")
    def _has_sense(self) -> NameSettings:
        for name in ("by", "separator", "vectors"):
            if name in self.model_fields_set and getattr(self, name) is not None and not self.examples:
                raise SettingsError(
                    f"{name} is for examples, and there are none", "Write examples = 4, for example, or leave it out."
                )
        if self.vectors is not None and self.by == "random":
            raise SettingsError(
                'vectors compare texts, and by = "random" draws the examples', "Leave one of the two out."
            )
        return self
