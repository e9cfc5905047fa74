"""Recipes of several tasks for one model, its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from penjing.data.label_settings import LabelledData
from penjing.data.question_settings import QuestionData
from penjing.data.settings import PairedData, RowData
from penjing.errors import RecipeError, SettingsError, UsageError
from penjing.pipeline.generating_recipe import GeneratingRecipe
from penjing.pipeline.recipe_names import check_name
from penjing.tasks.task import Answers, load_task
from penjing.tasks.write_settings import WriteSettings
from penjing.text.pair_renderer import PairRendererSettings
from penjing.text.prompt_renderer import prompt_columns
from penjing.text.renderer import RendererSettings
from penjing.train.distill_settings import WordDistillSettings
from penjing.train.settings import WritingFinetuneSettings

LEFT_OUT_VERSION = 2  # raised when other rows are left out of what is learned: 2, questions without their answers
_WRITTEN = ("label", "span", "text")  # what a task answers with that a model can write
QUESTION_COLUMNS = ("question", "text")


class PartSettings(BaseModel):
    """One of the tasks that a model learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = Field(description="classify, sentiment, translate, summarize or answer")
    template: str = Field(
        min_length=1,
        description='what is read: words, and in braces columns: "sentiment: {text}"; of answer also {question}',
    )
    weight: float = Field(1.0, gt=0, allow_inf_nan=False, description="factor on its share of what is learned from")
    examples: tuple[str, ...] = Field((), description="texts the finished model answers, shown in the report")

    @property
    def answers(self) -> Answers:
        """What its task answers with."""
        return load_task(self.task).answers


class LabelPart(PartSettings):
    """A part whose rows have a label each, whose name is written."""

    data: LabelledData


class WritingPart(PartSettings):
    """A part whose rows are pairs of texts."""

    data: PairedData


class AnswerPart(PartSettings):
    """A part whose rows are questions, each with a text; the answer is written."""

    data: QuestionData


def _tag(values: Any) -> str | None:
    """Returns what kind of part this is; where no task is known, one whose keys are those of all."""
    task = values.get("task") if isinstance(values, Mapping) else getattr(values, "task", None)
    try:
        answers = load_task(task).answers if isinstance(task, str) else "text"
    except UsageError:
        answers = "text"
    return f"<{answers if answers in _WRITTEN else 'text'}>"


Part = Annotated[
    Annotated[LabelPart, Tag("<label>")] | Annotated[WritingPart, Tag("<text>")] | Annotated[AnswerPart, Tag("<span>")],
    Discriminator(_tag),
]


class MixSettings(BaseModel):
    """How the rows of all parts are mixed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="1: parts have their shares of the rows; the higher, the more alike they are",
    )
    limit: int | None = Field(None, ge=1, description="most rows that a part counts for in its share; default: all")


class MultiRendererSettings(RendererSettings):
    """How rows of all parts are laid out as tokens; each part has a template."""

    template: str = Field("{text}", pattern=r"^\{text\}$", description="none here: each part has one of its own")
    max_target_tokens: int = Field(
        128, ge=4, description="longest text to be written, in tokens, special tokens included"
    )


class MultiFinetuneSettings(WritingFinetuneSettings):
    """Fine-tuning on the rows of all parts."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each target spread over the vocabulary")
    distill: WordDistillSettings | None = None


class MultiRecipe(GeneratingRecipe):
    """A recipe of several tasks, which one model learns."""

    data: None = Field(None, description="none here: each part has its own")
    parts: dict[Annotated[str, AfterValidator(check_name)], Part] = Field(min_length=1)
    mix: MixSettings = MixSettings()
    render: MultiRendererSettings = MultiRendererSettings()
    finetune: MultiFinetuneSettings = MultiFinetuneSettings()
    write: WriteSettings = WriteSettings()

    @property
    def rows(self) -> Mapping[str, RowData]:
        return {f"parts.{name}.data": part.data for name, part in self.parts.items()}

    def with_rows(self, rows: Mapping[str, RowData]) -> Self:
        parts = {
            name: part.model_copy(update={"data": rows[f"parts.{name}.data"]}) for name, part in self.parts.items()
        }
        return self.model_copy(update={"parts": parts})

    @property
    def text_columns(self) -> tuple[str, ...]:
        return ("text", "question", "target")

    @property
    def layout(self) -> Any:
        templates = {name: [part.task, part.template] for name, part in self.parts.items()}
        return [super().layout, templates, self.mixing, LEFT_OUT_VERSION]

    @property
    def mixing(self) -> Any:
        return [self.mix.model_dump(mode="json"), {name: part.weight for name, part in self.parts.items()}]

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return ()  # they are prompts

    @property
    def document_layout(self) -> RendererSettings:
        return RendererSettings()

    def pair_settings(self, name: str) -> PairRendererSettings:
        """Returns how the rows of a part are laid out."""
        shared = self.render.model_dump(exclude={"template"})
        return PairRendererSettings(**shared, template=self.parts[name].template)

    @model_validator(mode="after")
    def _fits_together(self) -> MultiRecipe:
        if self.explain is not None:
            raise SettingsError(
                "[explain] is for answers that are labels of a head, and these parts write", "Leave [explain] out."
            )
        if self.report.examples:
            raise SettingsError(
                "[report] examples do not say of which part they are", "Give them in [parts.NAME] examples."
            )
        for name, part in self.parts.items():
            _check_part(name, part)
        _check_apart("template", {name: part.template.strip() for name, part in self.parts.items()})
        _check_apart("name, but for upper and lower case,", {name: name.casefold() for name in self.parts})
        return self


def _check_apart(what: str, given: Mapping[str, str]) -> None:
    """Refuses parts of which two have the same.

    Raises:
        SettingsError: it says which.
    """
    seen: dict[str, str] = {}
    for name, value in given.items():
        if value in seen:
            raise SettingsError(
                f"[parts.{seen[value]}] and [parts.{name}] have the same {what} and could not be told apart",
                "Change one of the two.",
            )
        seen[value] = name


def check_prompt(section: str, template: str, columns: Sequence[str]) -> None:
    """Refuses a template of a section that names not these columns, each once, or cannot be read.

    Raises:
        SettingsError: it says what is wrong.
    """
    try:
        named = prompt_columns(template)
    except RecipeError as error:
        raise SettingsError(f"[{section}] {error.what}", error.do) from error
    if set(named) != set(columns):
        shown = " and ".join(f"{{{column}}}" for column in columns)
        raise SettingsError(
            f'[{section}] template "{template}" must name {shown}, and nothing else in braces',
            f"Write {shown} where they are to stand, and no other braces.",
        )


def _check_part(name: str, part: PartSettings) -> None:
    """Refuses a part whose task cannot be written, or whose template does not name what it reads.

    Raises:
        SettingsError: it says which.
    """
    try:
        answers = part.answers
    except UsageError as error:
        raise SettingsError(f'[parts.{name}] task is "{part.task}", which is not known', error.do) from error
    if answers not in _WRITTEN:
        raise SettingsError(
            f"[parts.{name}] task is {part.task}, whose answers are not written",
            "Parts can be classify, sentiment, translate, summarize or answer: choose one of these.",
        )
    check_prompt(f"parts.{name}", part.template, QUESTION_COLUMNS if answers == "span" else ("text",))
    if answers == "span" and part.examples:
        raise SettingsError(
            f"[parts.{name}] examples are texts alone, and a question needs one",
            "Leave them out: test questions are shown.",
        )
