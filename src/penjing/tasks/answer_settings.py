"""How a model finds answers: what a recipe says, and the model's card."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AnswerSettings(BaseModel):
    """How answers are found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_answer_tokens: int = Field(64, ge=1, description="longest answer in tokens")
    threshold: float | None = Field(
        None,
        allow_inf_nan=False,
        description="a question is answered if its best answer outweighs “not in the text” by more than this (logits); "
        "default: what scores best on the validation questions, or always where each of those has an answer",
    )
