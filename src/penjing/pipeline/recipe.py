"""A recipe: a TOML file that names the stages and their settings, checked before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from penjing.data.settings import LabelledData, PairedData, SplitData, TextData
from penjing.errors import RecipeError, UsageError, nearest
from penjing.tasks.task import load_task
from penjing.tasks.write_settings import WriteSettings
from penjing.text.pair_renderer import PairRendererSettings
from penjing.text.renderer import RendererSettings
from penjing.text.tokenizer_settings import TokenizerSettings
from penjing.text.vectors import VectorSettings
from penjing.train.settings import FinetuneSettings, PretrainSettings, RowSettings, WritingFinetuneSettings

SIZES: Mapping[str, int] = {"tiny": 2, "mini": 4, "small": 6, "base": 12, "large": 24}  # layers
_DEEPEST = 128
_LEFT_OUT = "none"
_DEFAULT_TASK = "classify"
_SHIPPED = Path(__file__).parent / "recipes"
_OF_LABELLED_ROWS = ("task", "finetune", "explain")


class ModelSettings(BaseModel):
    """Which network is made, or which folder it starts from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str | None = Field(
        None, description="bert, llama, lstm, mistral, qwen2, qwen3 or t5; follows from start where that is given"
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
        raise ValueError(f"a size is {', '.join(SIZES)}, or a number of layers from 1 to {_DEEPEST}")


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

    name: str = Field("run", min_length=1, pattern=r"^[\w.-]+$", description="names the folder under runs/")
    task: str | None = Field(
        None,
        description="what the model is for: classify (the default), sentiment, translate or summarize; none without "
        "[data]",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="decides splits, weights, order, masks and dropout")
    data: SplitData | None = None
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

    @property
    def device(self) -> str:
        """Where the finished model computes: where it was trained last."""
        is_language_model = self.data is None and self.pretrain is not None
        return self.pretrain.device if is_language_model and self.pretrain is not None else self.finetune.device

    @model_validator(mode="before")
    @classmethod
    def _fill_task(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("data") is not None and values.get("task") is None:
            return {**values, "task": _DEFAULT_TASK}
        return values

    @model_validator(mode="after")
    def _has_a_purpose(self) -> Recipe:
        if self.data is not None:
            return self
        if self.pretrain is None:
            raise ValueError("there is neither [data] to fine-tune on nor [pretrain], so nothing would be made")
        for name in _OF_LABELLED_ROWS:
            if name in self.model_fields_set and getattr(self, name) is not None:
                shown = name if name == "task" else f"[{name}]"
                raise ValueError(f"{shown} is for labelled rows, and there is no [data]")
        return self


class LabelRecipe(Recipe):
    """A recipe whose rows, if it has any, are labelled."""

    data: LabelledData | None = None
    finetune: FinetuneSettings = FinetuneSettings()


class WritingRecipe(Recipe):
    """A recipe whose rows are pairs: a text, and what is to be written to it."""

    data: PairedData | None = None
    render: PairRendererSettings = PairRendererSettings()
    finetune: WritingFinetuneSettings = WritingFinetuneSettings()
    write: WriteSettings = WriteSettings()

    @model_validator(mode="after")
    def _has_no_explanation(self) -> WritingRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers that are labels, and this task writes texts")
        return self


def recipe_class(document: Mapping[str, Any]) -> type[Recipe]:
    """Returns the class of a recipe by what its task answers with; a task that is not known is refused later."""
    try:
        task = load_task(document.get("task") or _DEFAULT_TASK)
    except (UsageError, TypeError):
        return LabelRecipe
    return WritingRecipe if task.answers == "text" else LabelRecipe


def has_data(recipe: Recipe) -> bool:
    """Whether there are rows to fine-tune on."""
    return recipe.data is not None


def split_data(recipe: Recipe) -> SplitData:
    """Returns ``[data]`` of a recipe that has it."""
    assert recipe.data is not None
    return recipe.data


def labelled_data(recipe: Recipe) -> LabelledData:
    """Returns ``[data]`` of a recipe that has labelled rows."""
    assert isinstance(recipe.data, LabelledData)
    return recipe.data


def paired_data(recipe: Recipe) -> PairedData:
    """Returns ``[data]`` of a recipe that has pairs."""
    assert isinstance(recipe.data, PairedData)
    return recipe.data


def task_of(recipe: Recipe) -> str:
    """Returns what the model of a recipe with ``[data]`` is for."""
    assert recipe.task is not None
    return recipe.task


def load_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Reads and checks a recipe.

    Args:
        path: the TOML file, or the name of a recipe that ships with Penjing.
        overrides: settings such as ``finetune.epochs=5``; the value is TOML, or plain text where that fails. A section
            that may be left out is left out by ``pretrain=none``.

    Raises:
        RecipeError: the file is missing or no TOML, a key is unknown, or a value is not allowed.
    """
    try:
        document = tomllib.loads(_find_recipe(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(
            "there is no such recipe",
            where=str(path),
            do=f"Give the path of a TOML file, or one that ships with Penjing: {', '.join(shipped_recipes())}.",
        ) from error
    except IsADirectoryError as error:
        raise RecipeError("this is a folder, not a recipe", where=str(path), do="Give a TOML file.") from error
    except OSError as error:
        raise RecipeError(f"it cannot be read ({error.strerror})", where=str(path), do="Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"this is not TOML ({error})", where=str(path), do="Correct that line.") from error
    for override in overrides or []:
        _set(document, override)
    return check_recipe(document, path.name)


def shipped_recipes() -> dict[str, Path]:
    """Returns the recipes that ship with Penjing, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.toml"))}


def _find_recipe(path: Path) -> Path:
    return path if path.exists() else shipped_recipes().get(str(path), path)


def check_recipe(document: Mapping[str, Any], where: str) -> Recipe:
    """Checks a recipe given as a dictionary; ``where`` names it in errors.

    Raises:
        RecipeError: a key is unknown (the nearest known one is named), or a value is not allowed.
    """
    kind = recipe_class(document)
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise _explain(error, kind, where) from error


def _set(document: dict[str, Any], override: str) -> None:
    key, equals, raw = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f'"{override}" is no setting', where="--set", do="Write it as --set finetune.epochs=5.")
    try:
        value: Any = tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw
    *sections, last = key.strip().split(".")
    if raw.strip() == _LEFT_OUT and not sections and _may_be_left_out(last):
        for name in (last, *(_OF_LABELLED_ROWS if last == "data" else ())):
            document.pop(name, None)
        return
    for section in sections:
        document = document.setdefault(section, {})
        if not isinstance(document, dict):
            raise RecipeError(f'"{section}" is a value, not a section', where=f"--set {override}")
    document[last] = value


def _may_be_left_out(section: str) -> bool:
    field = Recipe.model_fields.get(section)
    return field is not None and type(None) in get_args(field.annotation)


def _explain(error: ValidationError, kind: type[Recipe], where: str) -> RecipeError:
    """Turns the first complaints of pydantic into one paragraph."""
    complaints = [_complaint(item, kind) for item in error.errors()[:3]]
    more = error.error_count() - len(complaints)
    tail = f" There are {more} more." if more > 0 else ""
    return RecipeError(
        "; ".join(what for what, _ in complaints),
        where=where,
        do=" ".join(dict.fromkeys(do for _, do in complaints)) + tail,
    )


def _complaint(item: Any, kind: type[Recipe]) -> tuple[str, str]:
    location = [str(part) for part in item["loc"]]
    if not location:
        return item["msg"].removeprefix("Value error, "), "Add the one, or leave out the other."
    key = _name(location)
    if item["type"] == "extra_forbidden":
        known = _known_keys(location[:-1], kind)
        return f"unknown key {key}", nearest(location[-1], known)
    if item["type"] == "missing":
        return f"{key} is missing", "Add it to the recipe."
    given = item["input"]
    shown = f"{given!r}" if not isinstance(given, dict) else "a section"
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{key} is {shown}: it {message}" if message.startswith("should") else f"{key} is {shown}: {message}", (
        "Correct it."
    )


def _name(location: list[str]) -> str:
    if len(location) == 1:
        return location[0]
    return f"[{'.'.join(location[:-1])}] {location[-1]}"


def _known_keys(location: list[str], kind: type[Recipe]) -> list[str]:
    """Returns the keys that the section at a location may have."""
    model: type[BaseModel] = kind
    for part in location:
        field = model.model_fields.get(part)
        if field is None:
            break
        candidates = [field.annotation, *get_args(field.annotation)]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)
    return list(model.model_fields)
