"""A recipe: the stages and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from penjing.data.settings import RowData, TextData
from penjing.errors import SettingsError
from penjing.pipeline.recipe_names import check_name
from penjing.pipeline.space import parse_space
from penjing.text.renderer import RendererSettings
from penjing.text.tokenizer_settings import TokenizerSettings
from penjing.text.vectors import VectorSettings
from penjing.train.settings import FinetuneSettings, PretrainSettings, RowSettings

SIZES: Mapping[str, int] = {"tiny": 2, "mini": 4, "small": 6, "base": 12, "large": 24}  # layers
_DEEPEST = 128
DEFAULT_TASK = "classify"
OF_LABELLED_ROWS = ("task", "finetune", "explain")


class ModelSettings(BaseModel):
    """Which network is made, or which folder it starts from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str | None = Field(
        None,
        description="bert, llama, lstm, mistral, qwen2, qwen3 or t5; sasrec or two_tower for items; follows from "
        "start where that is given",
    )
    size: str | int | None = Field(
        None,
        description="tiny, mini, small, base or large, or a number of layers: what else follows from it is in "
        "docs/pretraining.md; default: the family's own shape",
    )
    start: str | None = Field(None, description="a model folder to start from, or package:NAME/folder")
    adapter: str | None = Field(
        None,
        description="a LoRA adapter in PEFT's format that is added to start first; a folder, or package:NAME/folder",
    )
    shape: dict[str, bool | int | float | str] = Field(
        {}, description="entries of the architecture's config, under the hub's names"
    )

    @field_validator("size")
    @classmethod
    def _is_a_size(cls, size: str | int | None) -> str | int | None:
        if size is None or size in SIZES or (isinstance(size, int) and 1 <= size <= _DEEPEST):
            return size
        raise SettingsError(
            f"a size is {', '.join(SIZES)}, or a number of layers from 1 to {_DEEPEST}", "Write one of these."
        )


class EvaluateSettings(BaseModel):
    """How the model is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resamples: int = Field(1000, ge=100, description="bootstrap resamples behind each interval")
    mistakes: int = Field(
        20,
        ge=0,
        description="how many of the most confident mistakes are listed; of texts that were written, the worst",
    )


class ExplainSettings(BaseModel):
    """Which answers are explained, and on how many texts the methods are measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = Field("integrated_gradients", description="integrated_gradients, occlusion or attention_rollout")
    examples: int = Field(5, ge=0, description="how many test rows are explained")
    mistakes: int = Field(3, ge=0, description="how many of the most confident mistakes are explained")
    texts: int = Field(100, ge=1, description="how many test rows the methods are measured on")


class ReportSettings(BaseModel):
    """How the report is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Literal["en", "zh"] = Field("en", description="of the report: en or zh")
    examples: tuple[str, ...] = Field((), description="texts the finished model answers, shown at the top")


class Recipe(BaseModel):
    """The whole path, from raw files to a model that is scored.

    Sections that are left out take their defaults; without ``[corpus]`` or ``[pretrain]`` nothing is pretrained.
    Without ``[data]`` nothing is fine-tuned: the language model that pretraining leaves is what the run is for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("run", min_length=1, description="names the folder under runs/")
    task: str | None = Field(
        None,
        description="what the model is for: classify (the default), sentiment, ordinal, stars, multilabel, translate, "
        "summarize, generate, chat, answer, recommend, prefer or prefer_reply; multi: several, in [parts.NAME]; "
        "none without rows",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="decides splits, weights, order, masks and dropout")
    data: RowData | None = None
    corpus: TextData | None = None
    tokenizer: TokenizerSettings = TokenizerSettings()
    vectors: VectorSettings | None = None
    model: ModelSettings = ModelSettings()
    render: RendererSettings = RendererSettings()
    pretrain: PretrainSettings | None = None
    finetune: RowSettings = FinetuneSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    explain: ExplainSettings | None = None
    report: ReportSettings = ReportSettings()
    tune: dict[str, Any] | None = Field(
        None,
        description='what penjing tune searches: "section.key" = { low = …, high = …, log = true } or a list of '
        "values; default: what matters most for the family",
    )

    @property
    def rows(self) -> Mapping[str, RowData]:
        """The sections that say which rows are learned from, by their names in the recipe; none without any."""
        return {} if self.data is None else {"data": self.data}

    def with_rows(self, rows: Mapping[str, RowData]) -> Self:
        """Returns the recipe with other sections of rows, under the names that `rows` has."""
        return self.model_copy(update={"data": rows.get("data")})

    @property
    def device(self) -> str:
        """Where the finished model computes: where it was trained last."""
        is_language_model = not self.rows and self.pretrain is not None
        return self.pretrain.device if is_language_model and self.pretrain is not None else self.finetune.device

    @property
    def finetuning_seed(self) -> int:
        """What decides fresh weights, order and dropout of fine-tuning."""
        return self.seed if self.finetune.seed is None else self.finetune.seed

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns of the rows that hold text."""
        return ("text",)

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        """The templates of ``[render]``: key, the one column that it may name, and the template."""
        return (("template", "text", self.render.template),)

    @property
    def document_layout(self) -> RendererSettings:
        """How the documents of the corpus are laid out."""
        return self.render

    @property
    def spare_tokens(self) -> int:
        """Tokens that a trained tokenizer needs beside those of text, to be named later."""
        return 0

    @property
    def has_dialogues(self) -> bool:
        """Whether rows are dialogues, laid out by a chat template."""
        return False

    @property
    def text_table(self) -> str:
        """The file of the data stage that a tokenizer learns from."""
        return "train.parquet"

    @property
    def text_encoder(self) -> str | None:
        """The folder of a model that makes vectors of texts, where the network reads such."""
        return None

    @property
    def answering(self) -> dict[str, Any]:
        """Settings of how the finished model answers, by name of their section; they may change after training."""
        return {}

    @property
    def takes_steps(self) -> bool:
        """Whether fine-tuning changes the network at all."""
        return True

    @property
    def layout(self) -> Any:
        """What in the recipe decides which tokens a row becomes."""
        return self.render.model_dump(mode="json")

    @property
    def mixing(self) -> Any:
        """What decides how rows of several tasks are mixed; None where there is one task."""
        return None

    @property
    def generation(self) -> dict[str, Any]:
        """How the finished model writes, under the hub's names."""
        return {}

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        return check_name(name, "Choose another name; --out takes any folder.")

    @model_validator(mode="before")
    @classmethod
    def _fill_task(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("data") is not None and values.get("task") is None:
            return {**values, "task": DEFAULT_TASK}
        return values

    @field_validator("tune", mode="before")
    @classmethod
    def _is_a_space(cls, section: Any) -> Any:
        return None if section is None else parse_space(section)

    @model_validator(mode="after")
    def _takes_one_tokenizer(self) -> Recipe:
        if self.tokenizer.start is not None and (self.model.start or self.text_encoder) is not None:
            raise SettingsError(
                "[tokenizer] has a start, and the model that [model] names brings its own tokenizer",
                "Leave [tokenizer] start out.",
            )
        return self

    @model_validator(mode="after")
    def _has_a_purpose(self) -> Recipe:
        if self.rows:
            return self
        if self.pretrain is None:
            raise SettingsError(
                "there is neither [data] to fine-tune on nor [pretrain], so nothing would be made", "Add one of them."
            )
        for name in OF_LABELLED_ROWS:
            if name in self.model_fields_set and getattr(self, name) is not None:
                shown = name if name == "task" else f"[{name}]"
                raise SettingsError(
                    f"{shown} is for labelled rows, and there is no [data]", f"Add [data], or leave {shown} out."
                )
        return self


def has_data(recipe: Recipe) -> bool:
    """Whether there are rows to fine-tune on."""
    return bool(recipe.rows)


def task_of(recipe: Recipe) -> str:
    """Returns what the model of a recipe with ``[data]`` is for."""
    assert recipe.task is not None
    return recipe.task
