"""Recipes whose rows are labelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from penjing.data.label_settings import LabelledData, MultilabelData
from penjing.pipeline.recipe import Recipe
from penjing.tasks.name_settings import NameSettings
from penjing.tasks.task import load_task
from penjing.text.renderer import RendererSettings
from penjing.train.settings import FinetuneSettings, MultilabelFinetuneSettings


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
    if finetune.distill is not None:
        raise ValueError("[names] answers with words, and [finetune.distill] teaches a head")
    if finetune.ngrams is not None:
        raise ValueError("[names] answers with words, and [finetune] ngrams stand beside a head")
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

    @model_validator(mode="after")
    def _can_have_ngrams(self) -> LabelRecipe:
        if self.finetune.ngrams is not None and self.task and load_task(self.task).answers != "label":
            raise ValueError(
                "[finetune] ngrams are of labels without an order: for the tasks classify and sentiment, and not for "
                f"{self.task}"
            )
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


def labelled_data(recipe: Recipe) -> LabelledData:
    """Returns ``[data]`` of a recipe that has labelled rows."""
    assert isinstance(recipe.data, LabelledData)
    return recipe.data


def multilabel_data(recipe: Recipe) -> MultilabelData:
    """Returns ``[data]`` of a recipe whose rows have any number of labels."""
    assert isinstance(recipe.data, MultilabelData)
    return recipe.data
