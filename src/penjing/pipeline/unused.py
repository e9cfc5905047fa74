"""Settings of a recipe that change nothing, for something else in it decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from penjing.data.label_settings import LabelledData
from penjing.data.split_files import has_validation
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import practicing
from penjing.train.settings import FinetuneSettings

#: Of ``[finetune]``: where a model that stays as it is computes, and what ``[names]`` itself fills in.
_COUNTS_UNTRAINED = frozenset({"device", "best_by"})


@dataclass(frozen=True)
class UnusedSettings:
    """Settings of one section that count for nothing.

    Attributes:
        section: of the recipe.
        keys: in it, sorted.
        why: what decides in their place, a clause.
    """

    section: str
    keys: tuple[str, ...]
    why: str


def unused_settings(recipe: Recipe) -> tuple[UnusedSettings, ...]:
    """Returns what a recipe sets, as it was written, to no effect.

    It is said and not refused: ``--set model.start=…`` may be put over any recipe.
    """
    found = []
    named = {"[model] start": recipe.model.start, "[model] text_encoder": recipe.text_encoder}
    if giver := next((key for key, address in named.items() if address is not None), None):
        found.append(_of("tokenizer", recipe.tokenizer.model_fields_set, f"{giver} brings its own tokenizer"))
    if recipe.corpus is not None and recipe.model.start and recipe.pretrain is None and practicing(recipe) is None:
        why = "nothing is learned from it, without [pretrain] or [practice]: the start has its words already"
        found.append(_of("corpus", recipe.corpus.model_fields_set, why))
    if not recipe.takes_steps:
        keys = recipe.finetune.model_fields_set - _COUNTS_UNTRAINED
        found.append(_of("finetune", keys, "[names] train = false leaves the model as it is"))
    if _chooses_by_rows(recipe):
        head = recipe.finetune.head if isinstance(recipe.finetune, FinetuneSettings) else None
        keys = set() if head is None else head.model_fields_set & {"folds"}
        found.append(_of("finetune.head", keys, "the validation rows choose the strength"))
    return tuple(unused for unused in found if unused.keys)


def _chooses_by_rows(recipe: Recipe) -> bool:
    data = recipe.data
    return isinstance(data, LabelledData) and not data.has_no_validation and has_validation(data)


def _of(section: str, keys: Iterable[str], why: str) -> UnusedSettings:
    return UnusedSettings(section, tuple(sorted(keys)), why)
