"""What a recipe says about preferences."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from penjing.data.settings import ROWS, TEST, VALIDATION, SplitData, check_columns, check_encoding
from penjing.errors import SettingsError


class PreferenceData(SplitData):
    """Prompts with two answers each, of which one was preferred."""

    path: str = Field(min_length=1, description=ROWS)
    validation: str | None = Field(None, min_length=1, description=VALIDATION)
    test: str | None = Field(None, min_length=1, description=TEST)
    text: str = Field("prompt", min_length=1, description="column of the prompt")
    chosen: str = Field("chosen", min_length=1, description="column of the answer that was preferred")
    rejected: str = Field("rejected", min_length=1, description="column of the other answer")
    empty_text: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with a row whose prompt, or one of whose answers, is empty"
    )
    equal: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with a row whose two answers are the same"
    )

    @property
    def is_grouped(self) -> bool:
        return True

    @model_validator(mode="after")
    def _is_consistent(self) -> PreferenceData:
        named = (self.text, self.chosen, self.rejected)
        if len(set(named)) < len(named):
            raise SettingsError(
                f"text, chosen and rejected must be three columns, and they are {', '.join(named)}", "Name three."
            )
        check_columns(self.columns, (*named, *self.where))
        check_encoding(self.encoding)
        return self


class ReplyPreferenceData(PreferenceData):
    """Dialogues with two replies each, of which one was preferred."""

    text: str = Field(
        "prompt",
        min_length=1,
        description='column of what was said before: what the user says, or a list of {"role": "user", "content": "…"} '
        "that ends with the user, or such a list as JSON",
    )
    broken: Literal["refuse", "drop"] = Field(
        "refuse",
        description="what is done with a row whose messages break the rules of a dialogue, or do not end with the user",
    )
