"""Dialogue: messages are answered with the next one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from penjing.data.messages import Message, read_asked
from penjing.serve.bounds import Several
from penjing.serve.tasks.shape import Strict, Text, WritingBody


class Said(Strict):
    """What one side says."""

    role: Literal["system", "user", "assistant"]
    content: Text


Dialogue = Annotated[list[Said], Several()]


class ReplyBody(WritingBody):
    """Dialogues that are to be answered."""

    messages: Dialogue | Annotated[list[Dialogue], Several()] = Field(
        description="a dialogue whose last message is the user's, or several dialogues; several messages of one side "
        "in a row stand as the model's chat template writes them, or as one where it does not"
    )

    def rows(self) -> list[list[Message]]:
        """Returns the dialogues.

        Raises:
            DataError: messages break the rules of a dialogue.
            UsageError: the assistant spoke last.
        """
        dialogues = enumerate(_several(self.messages), start=1)
        return [read_asked([item.model_dump() for item in said], f"dialogue {number}") for number, said in dialogues]


def _several(messages: list[Said] | list[list[Said]]) -> list[list[Said]]:
    together: list[list[Said]] = []
    for item in messages:
        if isinstance(item, list):
            together.append(item)
    return together or [[item for item in messages if isinstance(item, Said)]]
