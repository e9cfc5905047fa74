"""What learning from preferences can be told."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from penjing.errors import SettingsError
from penjing.train.settings import TextFinetuneSettings


class PreferenceSettings(BaseModel):
    """How answers that were preferred are made likelier than others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: Literal["dpo", "ipo"] = Field(
        "dpo",
        description="dpo: the logistic loss of the margin of rewards; or ipo: its square distance from a margin, which "
        "cannot be overdone where all agree",
    )
    beta: float = Field(
        0.1, gt=0, description="how dear it is to move away from the model that it starts from; the lower, the further"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=0.5, description="share of the preferences that are taken to be the wrong way round (of dpo)"
    )
    likelihood: float = Field(
        0.0, ge=0, description="weight of the cross-entropy of the preferred answer, a token, that is added to the loss"
    )

    @model_validator(mode="after")
    def _has_sense(self) -> PreferenceSettings:
        if self.loss == "ipo" and self.label_smoothing:
            raise SettingsError(
                'label_smoothing is of the loss "dpo", and this is "ipo", with which a lower margin follows from beta',
                "Leave label_smoothing out, or raise beta.",
            )
        return self


class PreferenceFinetuneSettings(TextFinetuneSettings):
    """Fine-tuning on prompts with two answers each, of which one was preferred."""

    epochs: float = Field(1, gt=0, description="passes over the data; a part of one is allowed")
    batch_rows: int = Field(32, ge=1, description="most pairs of answers in a batch")
    dropout: float | None = Field(
        0.0, ge=0, lt=1, description="in place of the dropout in the model's config; the model it starts from has none"
    )
    label_smoothing: float = Field(0.0, ge=0, le=0, description="none: that of [finetune.preference] is another")
    preference: PreferenceSettings = PreferenceSettings()
