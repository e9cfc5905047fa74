"""How a model of a writing task writes: what a recipe says, and the model's card."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from penjing.inference.writing_settings import WritingSettings


class WriteSettings(BaseModel):
    """How answers are written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: int = Field(128, ge=1, description="most tokens of an answer")
    beams: int = Field(
        4, ge=1, le=64, description="how many beginnings of an answer are kept; 1: the likeliest token is taken always"
    )
    length_penalty: float = Field(
        1.0, allow_inf_nan=False, description="answers compare by log-probability / tokens ** length_penalty"
    )
    no_repeat_ngram_size: int = Field(
        0,
        ge=0,
        exclude_if=lambda size: not size,  # stages of recipes from before it have other keys else
        description="no run of so many tokens comes twice in an answer; what it answers is not counted; 0: it may",
    )

    @property
    def writing(self) -> WritingSettings:
        """The same for a `penjing.inference.writing.Writer`."""
        repeats = self.no_repeat_ngram_size
        return WritingSettings(self.max_tokens, self.beams, self.length_penalty, no_repeat_ngram_size=repeats)

    @property
    def generation(self) -> dict[str, Any]:
        """The same under the hub's names, as in ``generation_config.json``."""
        repeats = {"no_repeat_ngram_size": self.no_repeat_ngram_size} if self.no_repeat_ngram_size else {}
        penalty = {"length_penalty": self.length_penalty} if self.beams > 1 else {}
        return {"max_new_tokens": self.max_tokens, "do_sample": False, "num_beams": self.beams, **penalty, **repeats}
