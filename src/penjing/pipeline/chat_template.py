"""Which chat template a run learns by: the recipe's, that of the folder its tokenizer is from, or Penjing's own."""

from __future__ import annotations

from pathlib import Path

from penjing.errors import ModelFolderError, RecipeError, UsageError
from penjing.files import read_json, write_json
from penjing.inference.generation import GENERATION_CONFIG
from penjing.pipeline.recipe import Recipe
from penjing.pipeline.start import tokenizer_folder
from penjing.text.chat_template import (
    CHAT_TEMPLATE,
    DEFAULT_TEMPLATE,
    MARKS,
    ChatTemplate,
    read_chat_template,
    write_chat_template,
)
from penjing.text.dialogue_renderer import DialogueRenderer
from penjing.text.tokenizer import Tokenizer, load_tokenizer


def template_files(recipe: Recipe) -> list[Path]:
    """Returns the files that a chat template may be read from.

    Raises:
        RecipeError: the one that ``[render] template`` names is not there.
    """
    if recipe.render.template:
        file = Path(recipe.render.template).expanduser()
        if not file.is_file():
            raise RecipeError(
                "there is no such file", where=f"[render] template = {recipe.render.template}", do="Correct the path."
            )
        return [file]
    start = tokenizer_folder(recipe)
    return [start / CHAT_TEMPLATE] if start is not None and (start / CHAT_TEMPLATE).is_file() else []


def save_with_template(recipe: Recipe, tokenizer: Tokenizer, folder: Path) -> Tokenizer:
    """Writes a tokenizer and the chat template into a folder, and returns the tokenizer with the template's marks.

    Penjing's own template is taken where neither the recipe nor the folder of the tokenizer brings one; its marks are
    then names of spare tokens, which no text becomes.

    Raises:
        RecipeError: there are no spare tokens, or the template cannot be learned by.
    """
    source, tokenizer = choose_template(recipe, tokenizer)
    tokenizer.save(folder)
    write_chat_template(folder, source)
    try:
        open_renderer(folder, recipe.render.max_tokens).check_learnable()
    except ModelFolderError as error:
        raise RecipeError(error.what, where=recipe.name, do=error.do) from error
    return tokenizer


def choose_template(recipe: Recipe, tokenizer: Tokenizer) -> tuple[str, Tokenizer]:
    """Returns the source of the chat template that is learned by, and the tokenizer with the template's marks.

    Raises:
        RecipeError: there are no spare tokens for them.
    """
    source = _given_template(recipe)
    return (DEFAULT_TEMPLATE, _with_marks(recipe, tokenizer)) if source is None else (source, tokenizer)


def write_template(tokenizer: Path, folder: Path) -> None:
    """Adds to a model folder the chat template, and the tokens at which other tools stop as Penjing does.

    Args:
        tokenizer: what `save_with_template` filled.
        folder: of the model.
    """
    write_chat_template(folder, open_template(tokenizer).source)
    renderer = open_renderer(tokenizer, max_tokens=0)
    ends = [renderer.end_id, *sorted(renderer.end_ids - {renderer.end_id})]
    config = read_json(folder / GENERATION_CONFIG)
    write_json(folder / GENERATION_CONFIG, {**config, "eos_token_id": ends})


def open_template(folder: Path) -> ChatTemplate:
    """Returns the chat template that `save_with_template` wrote."""
    template = read_chat_template(folder)
    assert template is not None
    return template


def open_renderer(folder: Path, max_tokens: int) -> DialogueRenderer:
    """Returns the renderer of a folder that `save_with_template` filled."""
    return DialogueRenderer(load_tokenizer(folder), open_template(folder), max_tokens)


def _given_template(recipe: Recipe) -> str | None:
    if recipe.render.template:
        (file,) = template_files(recipe)
        return file.read_text(encoding="utf-8")
    start = tokenizer_folder(recipe)
    template = read_chat_template(start) if start is not None else None
    return None if template is None else template.source


def _with_marks(recipe: Recipe, tokenizer: Tokenizer) -> Tokenizer:
    if set(MARKS) <= set(tokenizer.marks):
        return tokenizer
    try:
        return tokenizer.name_reserved(MARKS)
    except UsageError as error:
        raise RecipeError(
            "the folder that the run starts from has no chat template, and its tokenizer no spare tokens for the roles "
            "of a dialogue",
            where=f"{recipe.name}, [{'model' if recipe.tokenizer.start is None else 'tokenizer'}] start",
            do=f"Name a file with a template in [render] template, or pretrain with [tokenizer] reserved = "
            f"{len(MARKS)} or more.",
        ) from error
