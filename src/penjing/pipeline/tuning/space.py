"""Which settings a search may vary, which ones it varies where the recipe does not say, and recipes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from penjing.errors import RecipeError, nearest
from penjing.pipeline.check import check_runnable
from penjing.pipeline.dial import turn_dial
from penjing.pipeline.recipe import Recipe, has_data, task_of
from penjing.pipeline.recipe_file import check_recipe
from penjing.pipeline.recipe_kinds.choice import recipe_class
from penjing.pipeline.recipe_kinds.labels import LabelRecipe
from penjing.pipeline.recipe_kinds.practicing import practicing
from penjing.pipeline.recipe_kinds.written_answers import WrittenAnswerRecipe
from penjing.pipeline.space import Range, Scalar, Space
from penjing.pipeline.start import architecture_of, choose_learning_rate
from penjing.tasks.task import load_task

_COMPARED = "it decides what trials are compared by"
#: Settings, by how their names begin, under which the scores of two trials would not mean the same.
_FIXED: Mapping[str, str] = {
    **dict.fromkeys(("name", "task", "seed", "data", "finetune.best_by"), _COMPARED),
    **dict.fromkeys(("evaluate", "explain", "report", "write", "tune"), "it changes nothing before the test"),
}
_FIXED_IN_WRITING = "a loss by token can only be compared between models that cut and weigh texts alike"
_FIXED_IN_PREFERENCES = "it is what the loss is made of, which trials are compared by"
_FIXED_IN_ANSWERS = "a loss by window can only be compared between models that divide texts alike"
_FIXED_IN_NAMES = "a loss of the labels' names can only be compared where they are the same tokens"
_WRITTEN = frozenset({"text", "reply", "continuation", "preferred text", "preferred reply", "parts"})
_PREFERRED = frozenset({"preferred text", "preferred reply"})
_VOCABULARY = ("tokenizer", "model.start")
_CUTTING = (*_VOCABULARY, "render", "finetune.label_smoothing")
_DIVIDING = (*_VOCABULARY, "render.max_tokens", "render.max_question_tokens", "render.overlap_tokens")
_NAMING = (*_VOCABULARY, "names.template", "names.words", "names.train")
_CHOOSING = ("names.prior", "names.by_length")  # between names; a model learns without it
_NAMES = frozenset({"model.family", "model.start"})  # of something that must be there
_TEN = 10.0
_DROPOUTS: Mapping[str, float] = {"lstm": 0.6}  # the highest, by family
_DROPOUT = 0.3


def document_of(recipe: Recipe) -> dict[str, Any]:
    """Returns what a recipe sets, without ``[tune]``, as a file would hold it."""
    return recipe.model_dump(mode="json", exclude_unset=True, exclude_none=True, exclude={"tune"})


def recipe_with(recipe: Recipe, values: Mapping[str, Scalar]) -> Recipe:
    """Returns a recipe with some settings, given by their dotted names, changed.

    Raises:
        RecipeError: they are not allowed.
    """
    return check_recipe(_document_with(recipe, values), recipe.name)


def _document_with(recipe: Recipe, values: Mapping[str, Scalar]) -> dict[str, Any]:
    document = document_of(recipe)
    for key, value in values.items():
        *sections, last = key.split(".")
        section = document
        for name in sections:
            section = section.setdefault(name, {})
        section[last] = value
    return document


def space_of(recipe: Recipe) -> Space:
    """Returns what is searched: ``[tune]``, or the usual settings of the family; each value of it is checked.

    Raises:
        RecipeError: there is no ``[data]``; a setting is not known or may not vary; a value of it is not allowed.
    """
    if not has_data(recipe):
        raise RecipeError(
            "a search compares trials by validation rows, and there is no [data]",
            where=recipe.name,
            do="Add [data], or compare language models with penjing evaluate.",
        )
    where = f"{recipe.name}, [tune]"
    space = recipe.tune if recipe.tune is not None else default_space(recipe)
    for key in space:
        _check_known(recipe, key, where)
        _check_fixed(recipe, key, where)
    for key, values in space.items():
        for value in _samples(values):
            try:
                document = _document_with(recipe, {key: value})
                if recipe_class(document) is not type(recipe):
                    raise RecipeError(
                        f"with {key} = {value} answers would be found in texts by one trial and written by another",
                        do="Search families that do the same.",
                    )
                varied = check_recipe(document, recipe.name)
                if key in _NAMES:
                    check_runnable(turn_dial(varied))
            except RecipeError as error:
                raise RecipeError(error.what, where=where, do=error.do) from error
    return space


def default_space(recipe: Recipe) -> Space:
    """Returns the settings that matter most for a family, around its own values.

    The learning rate goes a power of ten down and up: it matters most (Bengio 2012, arXiv 1206.5533, section 3.3).
    """
    family, rate = architecture_of(recipe).name, choose_learning_rate(recipe, recipe.finetune)
    space: Space = {
        "finetune.learning_rate": Range(low=_short(rate / _TEN), high=_short(rate * _TEN), log=True),
        "finetune.batch_rows": (16, 32, 64),
    }
    if recipe.finetune.adapters is not None:
        return {**space, "finetune.lora.rank": (4, 8, 16, 32)}
    if practicing(recipe) is not None:  # with each of the others it would have to practice anew
        del space["finetune.batch_rows"]
        return {**space, "finetune.dropout": Range(low=0.0, high=_DROPOUTS.get(family, _DROPOUT))}
    space["finetune.dropout"] = Range(low=0.0, high=_DROPOUTS.get(family, _DROPOUT))
    space["finetune.weight_decay"] = Range(low=1e-3, high=0.1, log=True)
    return space


def _short(number: float) -> float:
    return float(f"{number:.2g}")


def _samples(values: Range | tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """Returns values to try: all choices; of a range its ends and, where they are not whole, one between."""
    if not isinstance(values, Range):
        return values
    is_whole = isinstance(values.low, int) and isinstance(values.high, int)
    between = () if is_whole else (values.low + (values.high - values.low) * 0.37,)
    return (values.low, values.high, *between)


def _check_known(recipe: Recipe, key: str, where: str) -> None:
    """Refuses a name that is no setting; the nearest one is named."""
    model: type[BaseModel] = type(recipe)
    *sections, last = key.split(".")
    for depth, name in enumerate([*sections, last]):
        field = model.model_fields.get(name)
        if field is None:
            before = ".".join([*sections, last][:depth])
            known = [f"{before}.{each}".lstrip(".") for each in model.model_fields]
            raise RecipeError(f'"{key}" is no setting', where=where, do=nearest(key, known))
        inner = _section_of(field.annotation)
        if inner is None:
            if depth < len(sections) and "dict" not in str(field.annotation):
                raise RecipeError(f'"{key}" is no setting: {name} is a value', where=where, do="Correct it.")
            return
        model = inner
    raise RecipeError(f'"{key}" is a section', where=where, do=f"Name a setting in it, such as {_first(key, model)}.")


def _first(key: str, model: type[BaseModel]) -> str:
    return f"{key}.{next(iter(model.model_fields))}"


def _section_of(annotation: Any) -> type[BaseModel] | None:
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _check_fixed(recipe: Recipe, key: str, where: str) -> None:
    """Refuses a setting under which trials could not be compared."""
    fixed = {**_FIXED, **_fixed_by_kind(recipe)}
    reason = next((why for start, why in fixed.items() if f"{key}.".startswith(f"{start}.")), None)
    if reason is not None:
        raise RecipeError(f'"{key}" cannot be searched: {reason}', where=where, do="Set it in its section.")


def _fixed_by_kind(recipe: Recipe) -> Mapping[str, str]:
    """Returns what may not vary because of what the recipe's model answers with, by how names begin, and why."""
    answers = load_task(task_of(recipe)).answers
    if learns_names(recipe):
        fixed = {**dict.fromkeys(_NAMING, _FIXED_IN_NAMES), **dict.fromkeys(_CHOOSING, _FIXED["evaluate"])}
    elif answers == "span" and not isinstance(recipe, WrittenAnswerRecipe):
        fixed = dict.fromkeys(_DIVIDING, _FIXED_IN_ANSWERS)
    elif answers == "items":
        fixed = {"finetune.label_smoothing": _FIXED_IN_WRITING}
    elif answers in _WRITTEN or answers == "span":
        fixed = dict.fromkeys(_CUTTING, _FIXED_IN_WRITING)
    else:
        return {}
    if answers in _PREFERRED:
        fixed["finetune.preference"] = _FIXED_IN_PREFERENCES
    if "tokenizer" in fixed and recipe.tokenizer.model_fields_set.isdisjoint(("vocab_size", "start")):
        fixed["model.size"] = fixed["tokenizer"]  # a larger model gets a larger vocabulary
    return fixed


def learns_names(recipe: Recipe) -> bool:
    """Whether the recipe's labels are answered by their names, so that its validation figures are of tokens."""
    return isinstance(recipe, LabelRecipe) and recipe.names is not None
