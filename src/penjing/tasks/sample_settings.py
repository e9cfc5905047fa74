"""How a model of a generation task goes on with a text: what a recipe says, and the model's card."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from penjing.inference.writing_settings import WritingSettings


class SampleSettings(BaseModel):
    """How texts are gone on with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: int = Field(
        128, ge=1, description="most tokens that are written; of a model with positions at most half of its window"
    )
    temperature: float = Field(
        0.8,
        ge=0,
        allow_inf_nan=False,
        description="the lower, the more likely tokens are drawn alone; 0: the likeliest one is taken always",
    )
    top_p: float = Field(
        0.95, gt=0, le=1, description="tokens are drawn from the likeliest ones that have this probability together"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="decides what is drawn, together with the beginning")

    @property
    def writing(self) -> WritingSettings:
        """The same for a `penjing.inference.writing.Writer`."""
        return WritingSettings(self.max_tokens, temperature=self.temperature, top_p=self.top_p, seed=self.seed)

    @property
    def generation(self) -> dict[str, Any]:
        """The same under the hub's names, as in ``generation_config.json``."""
        if not self.temperature:
            return {"max_new_tokens": self.max_tokens, "do_sample": False}
        drawn = {"do_sample": True, "temperature": self.temperature, "top_p": self.top_p, "top_k": 0}
        return {"max_new_tokens": self.max_tokens, **drawn}
