"""Translation, summarization and generation: texts are answered with texts."""

from __future__ import annotations

from pydantic import Field

from penjing.serve.tasks.shape import Answer, Result, Rows, Text, WritingBody, listed
from penjing.tasks.tables import texts_of


class TextBody(WritingBody):
    """Texts that are to be answered."""

    input: Text | Rows = Field(description="a text, or several")

    def rows(self) -> list[str]:
        """Returns the texts.

        Raises:
            UsageError: one is empty.
        """
        return texts_of(listed(self.input), "text")


class TextResult(Result):
    """What was written to a text."""

    written: str
    is_complete: bool = Field(description="whether the model ended it; false: there was room for no more")


class TextAnswer(Answer):
    """An answer to each text, in order."""

    results: list[TextResult]
