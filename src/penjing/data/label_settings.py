"""What a recipe says about data with labels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from penjing.data.label_cells import LabelRules, Spelling
from penjing.data.settings import ROWS, TEST, VALIDATION, SplitData, check_columns, check_encoding
from penjing.errors import SettingsError


class NamedLabels(SplitData):
    """Texts with labels, whether one each or several."""

    path: str = Field(min_length=1, description=ROWS)
    validation: str | None = Field(None, min_length=1, description=VALIDATION)
    test: str | None = Field(None, min_length=1, description=TEST)
    labels: dict[str, str] | tuple[str, ...] | None = Field(
        None,
        description="name of each raw label, or the labels that are allowed, in order; default: those found, sorted",
    )
    spelling: Spelling = Field(
        "refuse",
        description="what is done with labels that differ only in case, spaces or the form of letters: refuse; repair "
        "(the more frequent one stands for both, or the one under labels); keep (they are two labels)",
    )
    unknown_label: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with a label that is not under labels; drop: the row is left out"
    )

    @property
    def given_labels(self) -> tuple[str, ...] | None:
        """The labels in order, where they are given."""
        return tuple(self.labels.values()) if isinstance(self.labels, dict) else self.labels

    @model_validator(mode="after")
    def _names_labels(self) -> NamedLabels:
        names = list(self.labels.values()) if isinstance(self.labels, dict) else self.labels
        if names is not None and len(set(names)) < 2:
            raise SettingsError("labels must name at least two different labels", "Add those that are missing.")
        if isinstance(self.labels, tuple) and len(set(self.labels)) < len(self.labels):
            raise SettingsError("labels names a label twice", "Leave one out.")
        if self.unknown_label == "drop" and names is None:
            raise SettingsError(
                "unknown_label is drop, and without labels under [data] none is unknown",
                "Add labels, or leave unknown_label out.",
            )
        return self


class LabelledData(NamedLabels):
    """Texts with a label each."""

    label: str = Field("label", min_length=1, description="column of the label")
    empty_label: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with a row that has no label; drop: it is left out"
    )
    per_class: int | None = Field(
        None,
        ge=2,
        description="train on so many rows of each label, drawn by the seed; nothing is drawn for validation then, and "
        "only a file that validation names is read for it; default: all rows",
    )
    described: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        {},
        description='texts that say what a label means, such as "It was great."; they are learned from as rows are',
    )

    @property
    def has_no_validation(self) -> bool:
        """Whether no rows are drawn or read to choose by."""
        return self.per_class is not None and self.validation is None

    @property
    def label_rules(self) -> LabelRules:
        """How its labels are read."""
        return LabelRules((self.label,), self.labels, self.spelling, self.unknown_label, self.empty_label)

    @model_validator(mode="after")
    def _is_consistent(self) -> LabelledData:
        if self.text == self.label:
            raise SettingsError(f'text and label are both the column "{self.text}"', "Name two columns.")
        check_columns(self.columns, (self.text, self.label, *self.where))
        texts = [text for texts in self.described.values() for text in texts]
        if any(not text.strip() for text in texts) or len(set(texts)) < len(texts):
            raise SettingsError("described has an empty text, or one twice", "Leave it out.")
        check_encoding(self.encoding)
        return self


class MultilabelData(NamedLabels):
    """Texts with any number of labels each."""

    label: str | tuple[str, ...] = Field(
        "labels",
        min_length=1,
        description="column of the labels: lists, or texts of labels with a separator between; or several columns of "
        "0 and 1, each named as its label",
    )
    separator: str | None = Field(
        None, min_length=1, description='stands between the labels of a text, such as "|"; default: cells are lists'
    )
    unknown_label: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with a label that is not under labels; drop: it is left out, the row is not"
    )
    empty_label: Literal["refuse", "drop", "keep"] = Field(
        "keep", description="what is done with a row that has no label; keep: that none applies is learned"
    )

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns of the labels."""
        return (self.label,) if isinstance(self.label, str) else self.label

    @property
    def label_rules(self) -> LabelRules:
        """How its labels are read."""
        policies = self.spelling, self.unknown_label, self.empty_label
        return LabelRules(self.label_columns, self.labels, *policies, self.separator)

    @model_validator(mode="after")
    def _is_consistent(self) -> MultilabelData:
        if self.text in self.label_columns:
            raise SettingsError(f'text and label are both the column "{self.text}"', "Name two columns.")
        if len(set(self.label_columns)) < len(self.label_columns):
            raise SettingsError("label names a column twice", "Leave one out.")
        if len(self.label_columns) > 1 and self.separator is not None:
            raise SettingsError(
                "separator is for one column of labels, and label names several columns of 0 and 1",
                "Leave separator out.",
            )
        if not isinstance(self.label, str) and len(self.label) == 1:
            raise SettingsError("label is a list of one column", "Write it without brackets, or name a column a label.")
        check_columns(self.columns, (self.text, *self.label_columns, *self.where))
        check_encoding(self.encoding)
        return self
