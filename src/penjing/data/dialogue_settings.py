"""What a recipe says about dialogues."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from penjing.data.settings import ROWS, TEST, VALIDATION, SplitData, check_columns, check_encoding
from penjing.errors import SettingsError


class DialogueData(SplitData):
    """Dialogues to learn to reply from: a user and an assistant speak in turn."""

    path: str = Field(min_length=1, description=ROWS)
    validation: str | None = Field(None, min_length=1, description=VALIDATION)
    test: str | None = Field(None, min_length=1, description=TEST)
    text: str = Field(
        "messages",
        min_length=1,
        description='column of the messages, a list of {"role": "user", "content": "…"}, or such a list as JSON; with '
        "target, the column of what the user says",
    )
    target: str | None = Field(
        None, min_length=1, description="column of the one reply, where a row is what a user says and the reply to it"
    )
    empty_text: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with a dialogue in which something that is said is empty"
    )
    broken: Literal["refuse", "drop"] = Field(
        "refuse",
        description="what is done with a dialogue that the assistant begins, in which one side speaks twice in a row, "
        "with a role that is not system, user or assistant, or without a reply",
    )

    @property
    def is_grouped(self) -> bool:
        return True

    @model_validator(mode="after")
    def _is_consistent(self) -> DialogueData:
        if self.text == self.target:
            raise SettingsError(f'text and target are both the column "{self.text}"', "Name two columns.")
        check_columns(self.columns, (self.text, *filter(None, [self.target]), *self.where))
        check_encoding(self.encoding)
        return self
