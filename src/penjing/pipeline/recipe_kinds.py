"""Recipes by the kind of rows that their task learns from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from penjing.data.dialogue_settings import DialogueData
from penjing.data.event_settings import EventData
from penjing.data.events import ITEMS
from penjing.data.label_settings import LabelledData, MultilabelData
from penjing.data.preference_settings import PreferenceData, ReplyPreferenceData
from penjing.data.question_settings import QuestionData
from penjing.data.settings import PairedData
from penjing.errors import UsageError
from penjing.pipeline.recipe import DEFAULT_TASK, EvaluateSettings, ModelSettings, Recipe
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.tasks.answer_settings import AnswerSettings
from penjing.tasks.name_settings import NameSettings
from penjing.tasks.task import Answers, load_task
from penjing.tasks.write_settings import WriteSettings
from penjing.text.chat_template import MARKS
from penjing.text.dialogue_renderer import DialogueRendererSettings
from penjing.text.item_renderer import ItemRendererSettings
from penjing.text.pair_renderer import PairRendererSettings
from penjing.text.question_renderer import QuestionRendererSettings
from penjing.text.renderer import RendererSettings
from penjing.train.preference_settings import PreferenceFinetuneSettings
from penjing.train.settings import (
    AnswerFinetuneSettings,
    FinetuneSettings,
    MultilabelFinetuneSettings,
    RowSettings,
    TextFinetuneSettings,
    WritingFinetuneSettings,
)


def learn_names(values: Any) -> Any:
    """Returns a recipe's document in which the loss decides the best where names are learned, unless it says so."""
    if not isinstance(values, Mapping) or values.get("names") is None:
        return values
    finetune = values.get("finetune") or {}
    return {**values, "finetune": {"best_by": "loss", **finetune}} if isinstance(finetune, Mapping) else values


def check_names(
    names: NameSettings | None, finetune: FinetuneSettings, render: RendererSettings, *, explains: bool
) -> None:
    """Checks that what a recipe says beside ``[names]`` has sense with it.

    Raises:
        ValueError: it has not.
    """
    if names is None:
        return
    if finetune.fits_head:
        raise ValueError("[names] answers with words, and [finetune.head] and [finetune.contrastive] make a head")
    if finetune.token_dropout:
        raise ValueError("[finetune] token_dropout hides words from a head, and [names] has none")
    if finetune.best_by != "loss":
        raise ValueError('with [names] the loss of the names decides the best: write best_by = "loss", or leave it out')
    if "template" in render.model_fields_set:
        raise ValueError("[render] has a template, and so has [names]: remove that of [render]")
    if explains:
        raise ValueError("[explain] compares methods for heads; penjing explain --method occlusion explains names")
    if not names.train and finetune.lora is not None:
        raise ValueError("[names] train = false leaves the model as it is, and [finetune.lora] would change it")


class LabelRecipe(Recipe):
    """A recipe whose rows, if it has any, are labelled."""

    data: LabelledData | None = None
    finetune: FinetuneSettings = FinetuneSettings()
    names: NameSettings | None = None

    @property
    def takes_steps(self) -> bool:
        return self.names is None or self.names.train

    @property
    def layout(self) -> Any:
        if self.names is None:
            return super().layout
        return [super().layout, self.seed, self.names.layout.model_dump(mode="json")]

    @property
    def answering(self) -> dict[str, Any]:
        return {} if self.names is None else {"choice": self.names.choice.model_dump(mode="json")}

    @model_validator(mode="before")
    @classmethod
    def _choose_by_loss(cls, values: Any) -> Any:
        return learn_names(values)

    @model_validator(mode="after")
    def _can_name(self) -> LabelRecipe:
        check_names(self.names, self.finetune, self.render, explains=self.explain is not None)
        return self

    @model_validator(mode="after")
    def _can_choose(self) -> LabelRecipe:
        if self.data is not None and self.data.has_no_validation and self.finetune.patience:
            raise ValueError("[finetune] has patience, and [data] leaves no validation rows to lose it over")
        return self


class MultilabelRecipe(Recipe):
    """A recipe whose rows have any number of labels each."""

    data: MultilabelData | None = None
    finetune: MultilabelFinetuneSettings = MultilabelFinetuneSettings()

    @model_validator(mode="after")
    def _has_no_explanation(self) -> MultilabelRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers of one label, and this task gives any number of them")
        return self


class WritingRecipe(Recipe):
    """A recipe whose rows are pairs: a text, and what is to be written to it."""

    data: PairedData | None = None
    render: PairRendererSettings = PairRendererSettings()
    finetune: WritingFinetuneSettings = WritingFinetuneSettings()
    write: WriteSettings = WriteSettings()

    @property
    def text_columns(self) -> tuple[str, ...]:
        return ("text", "target")  # both sides share a vocabulary

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return (*super().templates, ("target", "target", self.render.target))

    @property
    def answering(self) -> dict[str, Any]:
        return {"write": self.write.model_dump(mode="json")}

    @property
    def generation(self) -> dict[str, Any]:
        return self.write.generation

    @model_validator(mode="after")
    def _has_no_explanation(self) -> WritingRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers that are labels, and this task writes texts")
        return self


class AnswerRecipe(Recipe):
    """A recipe whose rows are questions, each with a text in which its answer stands."""

    data: QuestionData | None = None
    render: QuestionRendererSettings = QuestionRendererSettings()
    finetune: AnswerFinetuneSettings = AnswerFinetuneSettings()
    answer: AnswerSettings = AnswerSettings()

    @property
    def text_columns(self) -> tuple[str, ...]:
        return ("text", "question")  # both are read as one

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return ()  # there is one alone

    @property
    def answering(self) -> dict[str, Any]:
        return {"answer": self.answer.model_dump(mode="json")}

    @model_validator(mode="after")
    def _shows_questions(self) -> AnswerRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers that are labels, and this task finds parts of texts")
        if self.report.examples:
            raise ValueError("[report] examples are texts alone, and a question needs one; test questions are shown")
        return self


class DialogueEvaluateSettings(EvaluateSettings):
    """How a model that replies is measured."""

    candidates: int = Field(20, ge=2, le=1000, description="replies among which the right one is to be found")
    questions: int = Field(1000, ge=1, description="most test replies that are looked for among candidates")


class DialogueWriteSettings(WriteSettings):
    """How replies are written."""

    max_tokens: int = Field(64, ge=1, description="most tokens of a reply; so many are kept for it in the window")
    beams: int = Field(
        1, ge=1, le=64, description="how many beginnings of a reply are kept; 1: the likeliest token is taken always"
    )


class DialogueRecipe(Recipe):
    """A recipe whose rows are dialogues."""

    data: DialogueData | None = None
    render: DialogueRendererSettings = DialogueRendererSettings()
    finetune: TextFinetuneSettings = TextFinetuneSettings()
    evaluate: DialogueEvaluateSettings = DialogueEvaluateSettings()
    write: DialogueWriteSettings = DialogueWriteSettings()

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return ()  # a dialogue's is in Jinja, and in a file

    @property
    def has_dialogues(self) -> bool:
        return True

    @property
    def document_layout(self) -> RendererSettings:
        return RendererSettings()

    @property
    def spare_tokens(self) -> int:
        return len(MARKS)

    @property
    def answering(self) -> dict[str, Any]:
        return {"write": self.write.model_dump(mode="json")}

    @property
    def generation(self) -> dict[str, Any]:
        return self.write.generation

    @model_validator(mode="after")
    def _fits_together(self) -> DialogueRecipe:
        if self.explain is not None:
            raise ValueError("[explain] is for answers that are labels, and this task writes replies")
        if 2 * self.write.max_tokens > self.render.max_tokens:
            raise ValueError(
                f"[write] max_tokens is {self.write.max_tokens}, more than half of [render] max_tokens, "
                f"{self.render.max_tokens}; a reply has half of the window at most"
            )
        return self


class ItemModelSettings(ModelSettings):
    """Which network ranks items, and what reads their texts."""

    text_encoder: str | None = Field(
        None,
        description="folder of a BERT that makes vectors of items' texts, or package:NAME/folder; default: vectors of "
        "words are learned with the rest",
    )


class ItemFinetuneSettings(RowSettings):
    """Learning which item comes next."""

    batch_rows: int = Field(32, ge=1, description="most pieces of histories in a batch")


class ItemRecipe(Recipe):
    """A recipe whose rows are events of users with items."""

    data: EventData | None = None
    model: ItemModelSettings = ItemModelSettings()
    render: ItemRendererSettings = ItemRendererSettings()
    finetune: ItemFinetuneSettings = ItemFinetuneSettings()

    @property
    def text_table(self) -> str:
        return ITEMS

    @property
    def text_encoder(self) -> str | None:
        return self.model.text_encoder

    @model_validator(mode="after")
    def _learns_from_events_alone(self) -> ItemRecipe:
        for name in ("corpus", "vectors", "pretrain", "explain"):
            if getattr(self, name) is not None:
                raise ValueError(f"[{name}] is for models of texts, and this task ranks items")
        if self.model.start is not None or self.model.adapter is not None:
            raise ValueError("[model] start is for models of texts; a text encoder is named in text_encoder")
        return self


class PreferenceRecipe(Recipe):
    """A recipe whose rows are prompts with two answers each, of which one was preferred."""

    data: PreferenceData | None = None
    finetune: PreferenceFinetuneSettings = PreferenceFinetuneSettings()
    write: WriteSettings = WriteSettings()

    @property
    def pairs(self) -> PreferenceData:
        """``[data]``, which such a recipe has."""
        assert self.data is not None
        return self.data

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return ()

    @property
    def answering(self) -> dict[str, Any]:
        return {"write": self.write.model_dump(mode="json")}

    @property
    def generation(self) -> dict[str, Any]:
        return self.write.generation

    @model_validator(mode="after")
    def _starts_from_a_model(self) -> PreferenceRecipe:
        if self.model.start is None:
            raise ValueError(
                "preferences are learned by a model that writes already, and [model] names no start; "
                'write start = "runs/NAME/model" there'
            )
        for name in ("corpus", "vectors", "pretrain", "explain"):
            if getattr(self, name) is not None:
                raise ValueError(f"[{name}] has no sense for a task that goes on with a model as it is")
        if self.finetune.lora is not None and self.finetune.lora.base is not None:
            raise ValueError(
                "[finetune.lora] has a base in fewer bits, and preferences are measured against the model as it was"
            )
        return self


class TextPreferenceRecipe(PreferenceRecipe):
    """A recipe whose rows are texts with two answers each."""

    render: PairRendererSettings = PairRendererSettings()

    @property
    def templates(self) -> tuple[tuple[str, str, str], ...]:
        return (("template", "text", self.render.template), ("target", "target", self.render.target))


class ReplyPreferenceRecipe(PreferenceRecipe):
    """A recipe whose rows are dialogues with two replies each."""

    data: ReplyPreferenceData | None = None
    render: DialogueRendererSettings = DialogueRendererSettings()
    write: DialogueWriteSettings = DialogueWriteSettings()

    @property
    def has_dialogues(self) -> bool:
        return True


RECIPES: Mapping[Answers, type[Recipe]] = {
    "label": LabelRecipe,
    "rank": LabelRecipe,
    "set": MultilabelRecipe,
    "span": AnswerRecipe,
    "text": WritingRecipe,
    "reply": DialogueRecipe,
    "items": ItemRecipe,
    "preferred text": TextPreferenceRecipe,
    "preferred reply": ReplyPreferenceRecipe,
    "parts": MultiRecipe,
}


def recipe_class(document: Mapping[str, Any]) -> type[Recipe]:
    """Returns the class of a recipe by what its task answers with; a task that is not known is refused later."""
    try:
        return RECIPES[load_task(document.get("task") or DEFAULT_TASK).answers]
    except (UsageError, TypeError):
        return LabelRecipe


def labelled_data(recipe: Recipe) -> LabelledData:
    """Returns ``[data]`` of a recipe that has labelled rows."""
    assert isinstance(recipe.data, LabelledData)
    return recipe.data


def multilabel_data(recipe: Recipe) -> MultilabelData:
    """Returns ``[data]`` of a recipe whose rows have any number of labels."""
    assert isinstance(recipe.data, MultilabelData)
    return recipe.data


def paired_data(recipe: Recipe) -> PairedData:
    """Returns ``[data]`` of a recipe that has pairs."""
    assert isinstance(recipe.data, PairedData)
    return recipe.data


def question_data(recipe: Recipe) -> QuestionData:
    """Returns ``[data]`` of a recipe of questions that has it."""
    assert isinstance(recipe.data, QuestionData)
    return recipe.data


def dialogue_data(recipe: Recipe) -> DialogueData:
    """Returns ``[data]`` of a recipe that has dialogues."""
    assert isinstance(recipe.data, DialogueData)
    return recipe.data
