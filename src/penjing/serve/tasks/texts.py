"""Translation, summarization and generation: texts are answered with texts."""

from __future__ import annotations

from pydantic import Field

from penjing.serve.tasks.shape import Answer, Result, Rows, Text, Work, WritingBody, listed
from penjing.tasks.generation_model import GenerationModel
from penjing.tasks.tables import texts_of
from penjing.tasks.writing_model import WritingModel


class TextBody(WritingBody):
    """Texts that are to be answered."""

    input: Text | Rows = Field(description="a text, or several")


class TextResult(Result):
    """What was written to a text."""

    written: str
    is_complete: bool = Field(description="whether the model ended it; false: there was room for no more")


class TextAnswer(Answer):
    """An answer to each text, in order."""

    results: list[TextResult]


def write_texts(model: WritingModel | GenerationModel, body: TextBody) -> Work:
    """Returns what is to be computed.

    Raises:
        UsageError: a text is empty, or the settings exclude one another.
    """
    settings = body.settings(model.settings)
    return Work(
        ("write", body.part, settings),
        lambda rows: model.write(rows, settings),
        texts_of(listed(body.input), "text"),
    )
