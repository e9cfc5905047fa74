"""The model folder that a recipe starts from, if it names one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from penjing.data.sources import locate_package_folder
from penjing.errors import RecipeError, UsageError
from penjing.files import read_json
from penjing.inference.sentence_pooling import pooling_files
from penjing.models.adapter import ADAPTER_CONFIG, add_adapter
from penjing.models.config import family_of
from penjing.models.interface import Architecture
from penjing.models.llama import is_llama
from penjing.models.weights import Transfer, load_backbone, read_config
from penjing.pipeline.recipe import Recipe, has_data
from penjing.registry import load_registered
from penjing.tasks.card import CARD
from penjing.train.settings import RowSettings, TrainSettings

#: Of a vocabulary that is not known yet, where it does not decide what is asked of a shape.
ANY_ENTRIES = 2**20


def start_folder(recipe: Recipe) -> Path | None:
    """Returns the folder named in ``[model] start``, or None.

    Raises:
        RecipeError: there is no such folder.
    """
    return named_folder("[model] start", recipe.model.start)


def adapter_folder(recipe: Recipe) -> Path | None:
    """Returns the folder named in ``[model] adapter``, or None.

    Raises:
        RecipeError: there is no such folder, or no start that it belongs to.
    """
    if recipe.model.adapter is not None and recipe.model.start is None:
        raise RecipeError(
            "[model] has an adapter, and no start that it is added to",
            where=recipe.name,
            do="Name the model that the adapter was trained on in start.",
        )
    return named_folder("[model] adapter", recipe.model.adapter)


def encoder_folder(recipe: Recipe) -> Path | None:
    """Returns the folder named in ``[model] text_encoder``, or None.

    Raises:
        RecipeError: there is no such folder.
    """
    return named_folder("[model] text_encoder", recipe.text_encoder)


def tokenizer_folder(recipe: Recipe) -> Path | None:
    """Returns the folder whose tokenizer is taken, or None where one is trained."""
    given = named_folder("[tokenizer] start", recipe.tokenizer.start)
    return start_folder(recipe) or encoder_folder(recipe) or given


def encoder_files(recipe: Recipe) -> list[Path]:
    """Returns the files of the text encoder; none where there is none."""
    return files_of_encoder(encoder_folder(recipe))


def files_of_encoder(folder: Path | None) -> list[Path]:
    """Returns config, weights and tokenizer of what makes vectors of texts, and what decides how it pools them."""
    if folder is None:
        return []
    return [*sorted(file for file in folder.iterdir() if file.is_file()), *pooling_files(folder)]


def named_folder(key: str, address: str | None) -> Path | None:
    """Returns the folder that a setting names, as `locate_folder` does; None where it names none."""
    return None if address is None else locate_folder(address, key)


def locate_folder(address: str, key: str) -> Path:
    """Returns the folder of a model that a recipe names.

    Args:
        address: a path, or ``package:NAME/folder``.
        key: of the recipe, for the error.

    Raises:
        RecipeError: there is no such folder.
    """
    folder = locate_package_folder(address) if address.startswith("package:") else Path(address)
    if not folder.is_dir():
        raise RecipeError("there is no such folder", where=f"{key} = {address}", do="Correct the path.")
    return folder


def load_start(network: nn.Module, recipe: Recipe) -> Transfer | None:
    """Puts the weights that the recipe starts from, with those of its adapter, into a network.

    Returns:
        What was taken; None where it names no start.

    Raises:
        RecipeError: there is no such folder.
        ModelFolderError: the weights or the adapter do not fit.
    """
    start, adapter = start_folder(recipe), adapter_folder(recipe)
    if start is None:
        return None
    transfer = load_backbone(network, start)
    if adapter is not None:
        add_adapter(network, adapter)
    return transfer


def architecture_of(recipe: Recipe) -> Architecture:
    """Returns the architecture that the recipe names, or that of the folder it starts from.

    Raises:
        RecipeError: it names neither, or two that differ.
    """
    return architecture_named(recipe.model.start, recipe.model.family, recipe.name)


def architecture_named(address: str | None, family: str | None, where: str) -> Architecture:
    """Returns the architecture that ``[model]`` names by its start or family, as `architecture_of`.

    Args:
        address: of the start; None: there is none.
        family: its name; None: that of the start.
        where: named in errors.

    Raises:
        RecipeError: it names neither, or two that differ.
    """
    start = named_folder("[model] start", address)
    if start is None:
        if family is None:
            do = 'Write family = "bert", "llama", "lstm" or "t5".'
            raise RecipeError("[model] names no family", where=where, do=do)
        return _load(family, where)
    found = family_of(read_config(start))
    if family not in (None, found):
        raise RecipeError(
            f'[model] family is "{family}", but the model in {start} is of the family "{found}"',
            where=where,
            do="Remove family.",
        )
    return _load(found, where)


def _load(family: str, where: str) -> Architecture:
    try:
        architecture: Architecture = load_registered("models", family)
    except UsageError as error:
        raise RecipeError(f'[model] family is "{family}", which is not known', where=where, do=error.do) from error
    return architecture


def config_values(recipe: Recipe, vocab_size: int, pad_id: int, end_id: int) -> dict[str, Any]:
    """Returns the values of the network's config: those of the start, then the recipe's shape, then the vocabulary.

    Args:
        recipe: names start and shape.
        vocab_size: entries of the tokenizer.
        pad_id: its token that fills shorter rows.
        end_id: its token that ends a text.

    Raises:
        RecipeError: the shape names something that the architecture does not have.
    """
    start = start_folder(recipe)
    architecture = architecture_of(recipe)
    architecture.check_shape(recipe.model.shape, where=recipe.name)
    if start is None:
        values: dict[str, Any] = {**architecture.fresh_shape, **_learned_positions(recipe, architecture)}
    else:  # flat, as the shape is; and a model of the hub may have embeddings to spare
        values = asdict(architecture.config_from_dict(read_config(start)))
        vocab_size = max(vocab_size, values["vocab_size"])
    return {**values, **recipe.model.shape, "vocab_size": vocab_size, "pad_token_id": pad_id, "eos_token_id": end_id}


def _learned_positions(recipe: Recipe, architecture: Architecture) -> dict[str, int]:
    """Returns how many positions a fresh decoder has that only learns to go on with texts: as many as it will see.

    Rotary positions have no weights; past those that it has seen it would write and be measured all the same, badly.
    """
    if has_data(recipe) or recipe.pretrain is None or not is_llama(architecture):
        return {}
    return {"max_position_embeddings": recipe.pretrain.window_tokens}


def model_settings(recipe: Recipe) -> Any:
    """Returns what in the recipe decides the network at the start of training; its files count by `start_files`."""
    given = [recipe.seed, recipe.model.model_dump(mode="json", exclude={"start", "size", "adapter"})]
    drawn = architecture_of(recipe).initialization if start_folder(recipe) is None else 1
    return [*given, drawn] if drawn > 1 else given  # families whose first weights stayed the same keep their runs


def choose_learning_rate(recipe: Recipe, settings: TrainSettings) -> float:
    """Returns the recipe's learning rate, or what suits the family, or a tenth of that for a model that is given.

    With adapters it is what suits those of the family, whatever they start from: ``benchmarks/lora.py`` compares rates.
    """
    if settings.learning_rate is not None:
        return settings.learning_rate
    architecture = architecture_of(recipe)
    rate = architecture.learning_rate
    if isinstance(settings, RowSettings) and settings.adapters is not None:
        return architecture.adapter_rate or rate
    return rate / 10 if recipe.model.start else rate


def start_files(recipe: Recipe) -> list[Path]:
    """Returns config and weights of what the run starts from, those of an adapter too; none if it is nothing."""
    parts = ((start_folder(recipe), "config.json"), (adapter_folder(recipe), ADAPTER_CONFIG))
    own = [file for folder, config in parts if folder for file in (folder / config, *_weights(folder))]
    return own + encoder_files(recipe)


def _weights(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def marks_of(folder: Path) -> int:
    """Returns with which ``mark_matches`` a model has learned to answer; 0 where it has not, or has no card."""
    card = read_json(folder / CARD) if (folder / CARD).is_file() else {}  # a language model has one without a task
    return int(card.get("render", {}).get("mark_matches", 0))
