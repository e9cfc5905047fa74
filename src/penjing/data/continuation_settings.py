"""What a recipe says about texts that are to be gone on with."""

from __future__ import annotations

from pydantic import Field, model_validator

from penjing.data.settings import SplitData, check_columns, check_encoding
from penjing.data.sources.source import Layout, Unit
from penjing.errors import SettingsError


class ContinuationData(SplitData):
    """Texts whose words are learned: plain files, or a column of a table; or texts with what follows them."""

    path: str = Field(
        min_length=1,
        description="a file of texts (.txt, or a table), a folder or glob with train*, dev* or valid*, and test* "
        "files, package:NAME/inner/path, or hf://datasets/OWNER/NAME, also with /inner/path",
    )
    validation: str | None = Field(None, min_length=1, description="separate validation file; path is then training")
    test: str | None = Field(None, min_length=1, description="separate test file; path is then for training")
    unit: Unit = Field(
        "line", description="what one text is in a .txt file: a line, a paragraph between blank lines, or the file"
    )
    passage: int | None = Field(
        None,
        ge=1,
        description="join lines or paragraphs that follow each other in a file until a text has so many characters: "
        "for plays and novels; default: each is a text of its own",
    )
    continuation: str | None = Field(
        None,
        min_length=1,
        description="column of what follows the text, and alone is learned; default: all of the text is",
    )

    @property
    def layout(self) -> Layout:
        return Layout(self.columns, self.max_line_mb, self.quotes, self.unit, self.encoding)

    @property
    def is_grouped(self) -> bool:
        return self.continuation is not None

    @model_validator(mode="after")
    def _is_consistent(self) -> ContinuationData:
        if self.continuation == self.text:
            raise SettingsError(f'text and continuation are both the column "{self.text}"', "Name two columns.")
        if self.continuation is not None and self.passage is not None:
            raise SettingsError(
                "passage joins texts, and rows with a continuation of their own cannot be joined",
                "Leave passage or continuation out.",
            )
        check_columns(self.columns, (self.text, *filter(None, (self.continuation,)), *self.where))
        check_encoding(self.encoding)
        return self
