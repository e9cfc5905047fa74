"""A teacher that reads each batch with the model that learns: whether it reads the same tokens, the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penjing.errors import RecipeError
from penjing.models.interface import Architecture, open_config
from penjing.models.weights import CONFIG, read_config
from penjing.pipeline.chat_template import choose_template
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.recipe_kinds import AnswerRecipe, ItemRecipe, WrittenAnswerRecipe, batch_teaching
from penjing.pipeline.recipe_parts import MultiRecipe
from penjing.pipeline.start import architecture_of, tokenizer_folder
from penjing.pipeline.teaching import teacher_files, teacher_folders
from penjing.tasks.card import read_card
from penjing.text.chat_template import read_chat_template
from penjing.text.tokenizer import load_tokenizer

_KEY = "[finetune.distill] teacher"
_LENGTHS = {"max_tokens", "max_target_tokens"}  # of [render], which a teacher need not share


def batch_teacher_files(recipe: Recipe) -> list[Path]:
    """Returns the files of the teacher that reads each batch with the model that learns; none where there is none."""
    return [] if batch_teaching(recipe) is None else teacher_files(recipe)


def check_batch_teacher(recipe: Recipe) -> None:
    """Checks that a teacher which reads each batch reads the very tokens of the model that learns.

    Raises:
        RecipeError: it has another tokenizer or chat template, is of another make, or has too few positions.
    """
    if batch_teaching(recipe) is None:
        return
    (folder,) = teacher_folders(recipe)
    where = f"{_KEY} = {folder}"
    theirs, config = open_config(read_config(folder), folder / CONFIG)
    if isinstance(recipe, ItemRecipe):
        _check_history(recipe, config, where)
        return
    _check_make(architecture_of(recipe), theirs, where)
    _check_tokens(recipe, folder, where)
    _check_parts(recipe, folder, where)
    _check_prompt(recipe, folder, where)
    _check_window(recipe, config, where)
    _check_marks(recipe, folder, where)


def _check_make(own: Architecture, theirs: Architecture, where: str) -> None:
    if own.is_encoder_decoder == theirs.is_encoder_decoder:
        return
    makes = {True: "is an encoder-decoder", False: "goes on where a text stands"}
    raise RecipeError(
        f"the teacher {makes[theirs.is_encoder_decoder]} ({theirs.name}), and the model that learns "
        f"{makes[own.is_encoder_decoder]} ({own.name}): they do not read the same",
        where=where,
        do="Choose a family of the same make in [model], or another teacher.",
    )


def _check_tokens(recipe: Recipe, teacher: Path, where: str) -> None:
    given, known = tokenizer_folder(recipe), load_tokenizer(teacher)
    if given is None:
        raise RecipeError(
            "the teacher reads each batch in its own tokens, and the recipe trains a tokenizer with others",
            where=where,
            do=f'Write start = "{teacher}" under [tokenizer], and nothing beside it.',
        )
    own, source = load_tokenizer(given), None
    if recipe.has_dialogues:
        source, own = choose_template(recipe, own)
    if own.fingerprint != known.fingerprint:
        raise RecipeError(
            f"the teacher's tokenizer ({known.vocab_size:,} entries) is not that of the model that learns "
            f"({own.vocab_size:,}, of {given}), so they do not score the same tokens",
            where=where,
            do=f'Write start = "{teacher}" under [tokenizer] and no start under [model], or name another teacher.',
        )
    template = read_chat_template(teacher) if recipe.has_dialogues else None
    if source is not None and (template is None or template.source != source):
        raise RecipeError(
            "the teacher has another chat template than the model that learns, so they do not read the same",
            where=where,
            do="Remove [render] template, so that the teacher's is taken with its tokenizer, or name another teacher.",
        )


def _check_window(recipe: Recipe, config: Any, where: str) -> None:
    longest, written = getattr(config, "max_position_embeddings", None), getattr(recipe.render, "max_target_tokens", 0)
    tokens, together = recipe.render.max_tokens + written, " and max_target_tokens together" if written else ""
    if longest is not None and tokens > longest:
        raise RecipeError(
            f"[render] max_tokens{together} is {tokens}, but the teacher has {longest} positions",
            where=where,
            do="Lower max_tokens.",
        )


def _check_history(recipe: ItemRecipe, config: Any, where: str) -> None:
    longest, items = config.max_position_embeddings, recipe.render.max_items
    if items > longest:
        raise RecipeError(
            f"[render] max_items is {items}, but the teacher has {longest} positions",
            where=where,
            do="Lower max_items.",
        )


def _check_parts(recipe: Recipe, folder: Path, where: str) -> None:
    """Refuses a teacher of several tasks that lacks one of those of its student, or asks it in other words."""
    if not isinstance(recipe, MultiRecipe):
        return
    known = read_card(folder)["parts"]
    for name, part in recipe.parts.items():
        theirs = known.get(name)
        if theirs is None or theirs["task"] != part.task or theirs["render"]["template"] != part.template:
            shown = f'{theirs["task"]}, "{theirs["render"]["template"]}"' if theirs is not None else "it has none"
            raise RecipeError(
                f'the part {name} is {part.task}, "{part.template}", and that of the teacher: {shown}',
                where=where,
                do="Give the part the name, task and template that it has there, or name another teacher.",
            )


def _check_prompt(recipe: Recipe, folder: Path, where: str) -> None:
    """Refuses a teacher that was asked in other words than its student."""
    if not isinstance(recipe, WrittenAnswerRecipe):
        return
    card = read_card(folder)["render"]
    for key, own in recipe.render.model_dump(mode="json", exclude=_LENGTHS).items():
        theirs = card.get(key)
        if own != theirs:
            raise RecipeError(
                f"the teacher was asked by the {key} {json.dumps(theirs, ensure_ascii=False)}, and [render] has "
                f"{json.dumps(own, ensure_ascii=False)}: they do not read the same",
                where=where,
                do=f"Write {key} = {json.dumps(theirs, ensure_ascii=False)} under [render], or name another teacher.",
            )


def check_part_labels(recipe: Recipe, labels: Mapping[str, Sequence[str]]) -> None:
    """Refuses a teacher of several tasks that has other labels for a part than its student.

    Args:
        recipe: names the teacher; without one all is well.
        labels: of each part that has some.

    Raises:
        RecipeError: it says of which part.
    """
    if batch_teaching(recipe) is None:
        return
    (folder,) = teacher_folders(recipe)
    known = read_card(folder)["parts"]
    for name, own in labels.items():
        theirs = known[name]["labels"]
        if set(own) != set(theirs):
            raise RecipeError(
                f"the labels of the part {name} are {', '.join(own)}, and those of the teacher {', '.join(theirs)}",
                where=f"{_KEY} = {folder}",
                do=f"Name them under [parts.{name}.data] labels as the teacher's are, or name another teacher.",
            )


def _check_marks(recipe: Recipe, teacher: Path, where: str) -> None:
    if not isinstance(recipe, AnswerRecipe):
        return
    own, theirs = recipe.render.mark_matches, read_card(teacher).get("render", {}).get("mark_matches", 0)
    if own != theirs:
        raise RecipeError(
            f"the teacher has learned with mark_matches = {theirs}, and [render] has {own}: they do not read the same",
            where=where,
            do=f"Write mark_matches = {theirs}, or name another teacher.",
        )
