"""What a recipe says about data."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from penjing.data.normalizing import Normalization
from penjing.data.personal.finding import needs_models
from penjing.data.personal.protecting import Action
from penjing.data.sources.encodings import AUTO, codec_name
from penjing.data.sources.source import Layout, Unit
from penjing.errors import SettingsError, nearest
from penjing.registry import registered_names

Share = Annotated[float, Field(ge=0, lt=1)]
WhereValue = str | bool | int | float

_WHERE = "keep only the rows whose column has this value"
COLUMNS = "names of the columns of a CSV or TSV file that has no header line, in order"
_MAX_LINE = "longest line, and longest CSV row, in MB; longer ones are refused"
_ENCODING = "of text files; auto: UTF-8, or what the bytes look like, such as GB18030, Big5 or UTF-16"
_REMOVED = "ids of texts to leave out, as penjing data inspect and show give them"
ROWS = (
    "a file, a folder or glob with train*, dev* or valid*, and test* files, package:NAME/inner/path, "
    "or hf://datasets/OWNER/NAME, also with /inner/path"
)
VALIDATION = "separate validation file; path is then training"
TEST = "separate test file; path is then for training"
_QUOTES = "whether cells may stand in double quotes; default: yes in CSV, no in TSV"


class Split(BaseModel):
    """How rows are divided where no separate files are given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: Share = Field(0.8, gt=0, description="share of the rows to train on")
    validation: Share = Field(0.1, description="share of the rows that choose the best epoch")
    test: Share = Field(0.1, description="share of the rows that the scores are measured on")

    @model_validator(mode="after")
    def _sums_to_one(self) -> Split:
        total = sum(exact_share(share) for share in (self.train, self.validation, self.test))
        if total != 1:
            raise SettingsError(
                f"train {self.train:g}, validation {self.validation:g} and test {self.test:g} "
                f"sum to {float(total):g}, and not to 1",
                "Change one of them.",
            )
        return self


def exact_share(share: float) -> Fraction:
    """Returns a share as it was written: 0.1 is a tenth, not the nearest binary number."""
    return Fraction(repr(share))


class RowData(BaseModel):
    """Rows of tables to learn from, and how their files are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | tuple[str, str] = Field(min_length=1, description=ROWS)
    columns: tuple[str, ...] | None = Field(None, min_length=1, description=COLUMNS)
    where: dict[str, WhereValue] = Field({}, description=_WHERE)
    max_line_mb: float = Field(8, gt=0, le=1000, description=_MAX_LINE)
    quotes: bool | None = Field(None, description=_QUOTES)
    encoding: str = Field("utf-8", description=_ENCODING)
    removed: tuple[str, ...] = Field((), description=_REMOVED)

    @property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """The addresses by what lies there: one each, or two of files that are read side by side."""
        return {"path": (self.path,) if isinstance(self.path, str) else self.path}

    @property
    def layout(self) -> Layout:
        """How the files are read."""
        return Layout(self.columns, self.max_line_mb, self.quotes, encoding=self.encoding)

    @property
    def is_grouped(self) -> bool:
        """Whether rows with the same text, prompt or opening are drawn into one split, not each by itself."""
        return False


class SplitData(RowData):
    """Rows to learn from, to choose by and to measure on."""

    validation: str | tuple[str, str] | None = Field(None, min_length=1, description=VALIDATION)
    test: str | tuple[str, str] | None = Field(None, min_length=1, description=TEST)
    text: str = Field("text", min_length=1, description="column of the text")
    split: Split = Field(Split(), description="how rows are divided where no separate files are given")
    empty_text: Literal["refuse", "drop"] = Field("refuse", description="what is done with a row whose text is empty")

    @property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """The addresses of each split that has some: one, or two of files that are read side by side."""
        named = {"train": self.path, "validation": self.validation, "test": self.test}
        return {split: (at,) if isinstance(at, str) else at for split, at in named.items() if at is not None}


class PairedData(SplitData):
    """Texts with another text each, which is to be written: a translation, a summary.

    An address is one of tables with both columns, or two of text files, read line by line side by side.
    """

    path: str | tuple[str, str] = Field(
        min_length=1,
        description=f"{ROWS}; or two files of lines, the texts and what is written, side by side: "
        '["train.en.gz", "train.de.gz"]',
    )
    validation: str | tuple[str, str] | None = Field(None, min_length=1, description=VALIDATION)
    test: str | tuple[str, str] | None = Field(None, min_length=1, description=TEST)
    target: str | tuple[str, ...] = Field(
        "target",
        min_length=1,
        description="column of what is to be written, or of a list of texts that will all do, or several such columns: "
        "each text is learned, and the score is by all",
    )
    test_target: str | tuple[str, ...] | None = Field(
        None, min_length=1, description="the same in the test files, where their columns are others; default: target"
    )
    empty_text: Literal["refuse", "drop"] = Field(
        "refuse", description="what is done with a row whose text, or what is to be written, is empty"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> PairedData:
        for name, columns in (("target", self.targets), ("test_target", self.test_targets)):
            if self.text in columns:
                raise SettingsError(f'text and {name} are both the column "{self.text}"', "Name two columns.")
            if len(set(columns)) < len(columns) or "" in columns:
                raise SettingsError(f"{name} names a column twice, or one without a name", "Leave it out.")
        check_columns(self.columns, (self.text, *self.targets, *self.test_targets, *self.where))
        check_encoding(self.encoding)
        if any(len(at) == 2 for at in self.addresses.values()):
            if self.where or self.columns:
                raise SettingsError(
                    "where and columns are for tables, and files of lines side by side have no columns",
                    "Leave them out.",
                )
            if len(self.targets) > 1:
                raise SettingsError(
                    "several columns in target are for tables, and two files side by side have one target", "Name one."
                )
            if self.test_target is not None:
                raise SettingsError(
                    "test_target is for tables, and files of lines side by side have no columns", "Leave it out."
                )
            if any(len(at) == 1 for at in self.addresses.values()):
                raise SettingsError(
                    "path, validation and test must all be one address, or all be two", "Write each as the others are."
                )
        return self

    @property
    def is_grouped(self) -> bool:
        return True

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns of what is to be written."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def test_targets(self) -> tuple[str, ...]:
        """The columns of what is to be written in test files."""
        named = self.targets if self.test_target is None else self.test_target
        return (named,) if isinstance(named, str) else named


class EvaluationTexts(BaseModel):
    """Texts that a model is going to be measured on, and must not learn from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | tuple[str, ...] = Field(
        min_length=1, description="a file, folder, glob, package:NAME/inner/path or hf://datasets/OWNER/NAME, or a list"
    )
    text: str = Field("text", min_length=1, description="column of the text")
    columns: tuple[str, ...] | None = Field(None, min_length=1, description=COLUMNS)
    run_words: int = Field(
        13,
        ge=5,
        le=100,
        description="drop a text that shares a run of so many words with one of these (of twice as many characters in "
        "Chinese, Japanese and Thai), or all the words of a shorter one",
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> EvaluationTexts:
        check_columns(self.columns, (self.text,))
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """The addresses."""
        return (self.path,) if isinstance(self.path, str) else self.path


class PersonalData(BaseModel):
    """What is done with personal data in texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action = Field(
        description="report: count; mask: <EMAIL>; surrogate: <EMAIL:3f9a61c07b>, the same for the same value as long "
        "as the key is the same; drop: drop the text"
    )
    kinds: tuple[str, ...] = Field(
        ("secret", "iban", "cn_resident", "card", "us_ssn", "tax", "passport", "email", "network", "phone"),
        min_length=1,
        description="what is looked for; of two that claim the same place, the first counts",
    )
    regions: tuple[str, ...] = Field(
        ("US", "CN"), description="countries whose telephone numbers are known without their +, as ISO 3166 has them"
    )
    key_file: str | None = Field(
        None, description="file with the key of the surrogates, 16 bytes at least; keep it secret"
    )
    models: dict[Annotated[str, Field(pattern="^[a-z]{2,3}$")], Annotated[str, Field(min_length=1)]] = Field(
        {},
        description="what sees names and places in texts, for each language, if kinds has person or address: an "
        "installed spaCy package, a folder that nlp.to_disk wrote, or for zh also rjieba",
    )

    @field_validator("kinds")
    @classmethod
    def _are_known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        return _check_registered("personal", "kind of personal data", kinds)

    @model_validator(mode="after")
    def _has_models(self) -> PersonalData:
        helped = [kind for kind in self.kinds if needs_models(kind)]
        if helped and not self.models:
            raise SettingsError(
                f"{' and '.join(helped)} in kinds can be found by a model only",
                'Name one for each language, such as models = { en = "en_core_web_sm", zh = "rjieba" }.',
            )
        if self.models and not helped:
            raise SettingsError(
                "models are named, and nothing is looked for that needs one",
                'Add "person" or "address" to kinds, or leave models out.',
            )
        return self

    @model_validator(mode="after")
    def _is_consistent(self) -> PersonalData:
        if (self.action == "surrogate") != (self.key_file is not None):
            raise SettingsError(
                'action = "surrogate" needs a key_file, and no other action has one', "Add it, or leave it out."
            )
        return self


class TextData(BaseModel):
    """Texts without labels, to pretrain on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | tuple[str, ...] = Field(
        min_length=1,
        description="a file, a folder with all below it, a glob, package:NAME/inner/path, hf://datasets/OWNER/NAME, "
        "https://…, s3://BUCKET/KEY, sqlite:FILE?SELECT … or postgresql://…?SELECT …, or a list of these",
    )
    text: str = Field("text", min_length=1, description="column of the text")
    columns: tuple[str, ...] | None = Field(None, min_length=1, description=COLUMNS)
    where: dict[str, WhereValue] = Field({}, description=_WHERE)
    max_line_mb: float = Field(8, gt=0, le=1000, description=_MAX_LINE)
    quotes: bool | None = Field(None, description=_QUOTES)
    unit: Unit = Field(
        "line", description="what one text is in a .txt file: a line, a paragraph between blank lines, or the file"
    )
    encoding: str = Field("auto", description=_ENCODING)
    faults: Literal["skip", "refuse"] = Field(
        "skip", description="what is done with rows and files that cannot be read; those that are skipped are listed"
    )
    normalize: Normalization | None = Field(None, description="bring texts into a normal form first")
    languages: tuple[str, ...] = Field(
        (), description='keep texts in these languages, for example ["en", "zh"]; default: all'
    )
    paragraph_duplicates: bool = Field(
        False, description="cut out long paragraphs that an earlier text has too, such as boilerplate"
    )
    without: EvaluationTexts | None = Field(
        None, description="texts that are measured on later: what they share is dropped"
    )
    personal: PersonalData | None = Field(
        None, description="personal data: what is looked for, and what is done with it"
    )
    filters: tuple[str, ...] = Field(
        (),
        description="drop texts by the rules of published recipes: gopher_quality, gopher_repetition, fineweb, c4; "
        "what is dropped is kept beside, with the rule",
    )
    near_duplicates: float | None = Field(
        None,
        ge=0.3,
        le=1,
        description="drop texts of which so much is the same as in an earlier one (Jaccard similarity of runs of five "
        "words, of five characters in Chinese, Japanese and Thai); 0.75 is usual",
    )
    removed: tuple[str, ...] = Field((), description=_REMOVED)
    include_training_texts: bool = Field(True, description="whether the labelled training texts are added")
    held_out: float = Field(
        0.01, gt=0, lt=1, description="share of documents kept for validation, at most 1,000 documents"
    )
    max_documents: int | None = Field(
        None, ge=2, description="use at most this many documents, drawn evenly from all; default: all"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> TextData:
        check_columns(self.columns, (self.text, *self.where))
        check_encoding(self.encoding)
        return self

    @field_validator("filters")
    @classmethod
    def _are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _check_registered("filters", "filter", names)

    @property
    def paths(self) -> tuple[str, ...]:
        """The addresses."""
        return (self.path,) if isinstance(self.path, str) else self.path

    @property
    def layout(self) -> Layout:
        """How the files are read."""
        return Layout(self.columns, self.max_line_mb, self.quotes, self.unit, self.encoding)


def check_encoding(name: str) -> None:
    """Refuses an encoding that Python does not know.

    Raises:
        SettingsError: it is neither one nor "auto".
    """
    if name == AUTO:
        return
    try:
        codec_name(name)
    except LookupError as error:
        raise SettingsError(
            f'"{name}" is no encoding', 'Write utf-8, gb18030, big5 or utf-16, for example, or "auto".'
        ) from error


def _check_registered(group: str, called: str, names: tuple[str, ...]) -> tuple[str, ...]:
    known = registered_names(group)
    for name in names:
        if name not in known:
            raise SettingsError(f'there is no {called} "{name}"', nearest(name, known))
    return names


def check_columns(columns: tuple[str, ...] | None, used: tuple[str, ...]) -> None:
    """Refuses names of columns of which one comes twice, or one that is read is missing.

    Raises:
        SettingsError: it says which.
    """
    if columns is None:
        return
    if len(set(columns)) < len(columns):
        raise SettingsError("columns names a column twice", "Leave one out.")
    for name in used:
        if name not in columns:
            raise SettingsError(f'columns names {", ".join(columns)}, and not "{name}", which is read', "Add it.")
