"""What a recipe says about questions with their texts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from penjing.data.settings import ROWS, TEST, VALIDATION, Split, SplitData, check_columns, check_encoding
from penjing.errors import SettingsError


class QuestionData(SplitData):
    """Questions, each with a text in which its answer stands.

    Files are JSON in the layout of SQuAD, or tables with a question a row.
    """

    path: str = Field(min_length=1, description=f"{ROWS}; JSON in the layout of SQuAD, or a table")
    validation: str | None = Field(None, min_length=1, description=VALIDATION)
    test: str | None = Field(None, min_length=1, description=TEST)
    text: str = Field("context", min_length=1, description="column of the text (of tables, as the next four)")
    question: str = Field("question", min_length=1, description="column of the question")
    answer: str = Field(
        "answer", min_length=1, description="column of the answer; empty: the text does not answer the question"
    )
    answer_start: str | None = Field(
        None, min_length=1, description="column of the answer's first character; default: where the answer occurs first"
    )
    document: str | None = Field(
        None,
        min_length=1,
        description="column of what a text is a part of, of which no two splits that are drawn have any; default: "
        "every text is one",
    )
    offsets: Literal["repair", "refuse"] = Field(
        "repair",
        description="an answer is not where its row says: it is looked for, by bytes in place of characters, then "
        "nearby; or it is refused",
    )
    empty_text: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with a row whose text or question is empty"
    )
    absent: Literal["refuse", "keep"] = Field(
        "refuse",
        description="what is done with a question none of whose answers is in its text; kept: it is not learned "
        "from, and counts in the scores",
    )
    split: Split = Field(Split(), description="how documents are divided where no separate files are given")

    @model_validator(mode="after")
    def _is_consistent(self) -> QuestionData:
        named = [self.text, self.question, self.answer, *filter(None, (self.answer_start, self.document))]
        if len(set(named)) < len(named):
            raise SettingsError(
                "text, question, answer, answer_start and document must be different columns",
                "Name a column of its own for each.",
            )
        check_columns(self.columns, (*named, *self.where))
        check_encoding(self.encoding)
        return self

    @property
    def read_columns(self) -> tuple[str, ...]:
        """The columns of a table that are read."""
        named = (self.text, self.question, self.answer, self.answer_start, self.document, *self.where)
        return tuple(dict.fromkeys(name for name in named if name is not None))
